#include "text/charsmap.h"

#include <cstring>

#include "text/grapheme.h"
#include "text/unicode.h"

namespace mang {

namespace {

// The fields of a Darts unit.
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) == 1; }
uint32_t leaf_value(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

}  // namespace

Result<Charsmap> Charsmap::build(std::string_view bytes) {
  if (bytes.size() < 4) return fail("the precompiled character map is cut off.");
  uint32_t trie_bytes = 0;
  std::memcpy(&trie_bytes, bytes.data(), 4);
  if (trie_bytes % 4 != 0 || trie_bytes == 0 || trie_bytes > bytes.size() - 4) {
    return fail("the precompiled character map announces a trie of {} bytes in {}.", trie_bytes, bytes.size() - 4);
  }
  Charsmap map;
  map.units_.resize(trie_bytes / 4);
  std::memcpy(map.units_.data(), bytes.data() + 4, trie_bytes);
  map.replacements_ = std::string(bytes.substr(4 + trie_bytes));
  if (!is_utf8(map.replacements_)) return fail("the precompiled character map's replacements are not UTF-8.");
  return map;
}

bool Charsmap::find(std::string_view part, std::string_view& replacement) const {
  size_t node = offset(units_[0]);
  for (char byte : part) {
    if (byte == 0) return false;
    node ^= static_cast<uint8_t>(byte);
    if (node >= units_.size() || label(units_[node]) != static_cast<uint8_t>(byte)) return false;
    const uint32_t unit = units_[node];
    node ^= offset(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size()) return false;
    const uint32_t at = leaf_value(units_[node]);
    if (at > replacements_.size()) return false;
    const size_t end = std::min(replacements_.find('\0', at), replacements_.size());
    replacement = std::string_view(replacements_).substr(at, end - at);
    return true;
  }
  return false;
}

std::string Charsmap::apply(std::string_view text) const {
  constexpr size_t kLongestCluster = 5;  // bytes; longer ones go character by character
  std::string out;
  out.reserve(text.size());
  const char* const end = text.data() + text.size();
  std::string_view replacement;
  while (!text.empty()) {
    const size_t cluster = grapheme_length(text);
    if (cluster <= kLongestCluster && find(text.substr(0, cluster), replacement)) {
      out += replacement;
      text.remove_prefix(cluster);
      continue;
    }
    for (size_t done = 0; done < cluster;) {
      const size_t length = decode_utf8(text.data() + done, end).length;
      const std::string_view character = text.substr(done, length);
      out += find(character, replacement) ? replacement : character;
      done += length;
    }
    text.remove_prefix(cluster);
  }
  return out;
}

}  // namespace mang
