#include "text/charsmap.h"

#include <algorithm>
#include <cstring>

#include "text/grapheme.h"
#include "text/origin_tracker.h"
#include "text/unicode.h"

namespace mang {

namespace {

// The fields of a Darts unit.
bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) == 1; }
uint32_t leaf_value(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

// Character lengths of a text, in bytes.
std::vector<size_t> lengths_of(std::string_view text) {
  std::vector<size_t> out;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end; p += out.back()) out.push_back(decode_utf8(p, end).length);
  return out;
}

// Origins through replacements of parts: the last characters of a part that grows are additions, and the last one of
// a part that shrinks takes what is left over. What a part without any replacement drops is charged to the character
// before it (and forgotten at the beginning of the text), as in Hugging Face.
class PartTracker {
 public:
  PartTracker(std::string_view text, size_t origin) : tracker_(text, origin), limit_(origin) {}
  void replace(std::string_view old_part, std::string_view new_part) {
    if (finished_) return;
    const auto old_count = static_cast<int64_t>(lengths_of(old_part).size());
    const auto lengths = lengths_of(new_part);
    const auto new_count = static_cast<int64_t>(lengths.size());
    for (int64_t i = 0; i < new_count; ++i) {
      flush();
      has_pending_ = true;
      pending_bytes_ = lengths[static_cast<size_t>(i)];
      pending_change_ = i >= std::min(old_count, new_count) ? 1 : 0;
    }
    if (new_count < old_count && has_pending_) pending_change_ += static_cast<int32_t>(new_count - old_count);
    seen_ += old_part.size();
    // Long after the origin nothing more can count; a part may still pend before it.
    if (seen_ > limit_ + kLookBack) {
      flush();
      finished_ = true;
    }
  }
  size_t origin() {
    flush();
    return tracker_.origin();
  }

 private:
  static constexpr size_t kLookBack = 256;
  void flush() {
    if (has_pending_) tracker_.add(pending_bytes_, pending_change_);
    has_pending_ = false;
  }
  OriginTracker tracker_;
  size_t limit_;
  size_t seen_ = 0;
  bool has_pending_ = false;
  bool finished_ = false;
  size_t pending_bytes_ = 0;
  int32_t pending_change_ = 0;
};

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

std::string Charsmap::apply(std::string_view text, size_t& origin) const {
  constexpr size_t kLongestCluster = 5;  // bytes; longer ones go character by character
  std::string out;
  out.reserve(text.size());
  const char* const end = text.data() + text.size();
  std::string_view replacement;
  PartTracker tracker(text, origin);
  while (!text.empty()) {
    const size_t cluster = grapheme_length(text);
    if (cluster <= kLongestCluster && find(text.substr(0, cluster), replacement)) {
      out += replacement;
      tracker.replace(text.substr(0, cluster), replacement);
      text.remove_prefix(cluster);
      continue;
    }
    for (size_t done = 0; done < cluster;) {
      const size_t length = decode_utf8(text.data() + done, end).length;
      const std::string_view character = text.substr(done, length);
      const std::string_view become = find(character, replacement) ? replacement : character;
      out += become;
      tracker.replace(character, become);
      done += length;
    }
    text.remove_prefix(cluster);
  }
  origin = tracker.origin();
  return out;
}

}  // namespace mang
