#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace mang {

namespace {

// \w of Rust's regular expressions: Oniguruma's and the two joiners.
bool is_rust_word(char32_t c) { return is_word(c) || c == 0x200C || c == 0x200D; }

char32_t character_before(std::string_view text, size_t position, size_t& begin) {
  const char* end = text.data() + text.size();
  for (size_t n = 1; n <= 4 && n <= position; ++n) {
    const Decoded d = decode_utf8(text.data() + position - n, end);
    if (d.length == n && d.value < kInvalidByte) {
      begin = position - n;
      return d.value;
    }
  }
  begin = position - 1;
  return kInvalidByte + static_cast<uint8_t>(text[position - 1]);
}

bool word_before(std::string_view text, size_t position) {
  size_t begin = 0;
  return position > 0 && is_rust_word(character_before(text, position, begin));
}

bool word_after(std::string_view text, size_t position) {
  return position < text.size() &&
         is_rust_word(decode_utf8(text.data() + position, text.data() + text.size()).value);
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& patterns)
    : tokens_(std::move(tokens)) {
  std::vector<std::pair<std::string_view, int32_t>> entries;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (!patterns[i].empty()) entries.emplace_back(patterns[i], static_cast<int32_t>(i));
    only_special_ = only_special_ && tokens_[i].special;
  }
  trie_ = Trie(std::move(entries));
}

bool AddedTokenMatcher::find(std::string_view text, size_t from, Found& found) const {
  for (; from < text.size(); ++from) {
    if (!trie_.may_begin(text[from])) continue;
    uint32_t node = Trie::kRoot;
    int32_t best = -1;
    for (size_t to = from; to < text.size();) {
      node = trie_.child(node, text[to]);
      if (node == Trie::kNowhere) break;
      ++to;
      if (trie_.value(node) >= 0) {
        best = trie_.value(node);
        found.end = to;
      }
    }
    if (best >= 0) {
      found.begin = from;
      found.token = static_cast<size_t>(best);
      return true;
    }
  }
  return false;
}

bool AddedTokenMatcher::take(std::string_view text, const Found& found, bool parse_special, size_t done,
                             size_t& begin, size_t& end) const {
  const AddedToken& token = tokens_[found.token];
  if (token.special && !parse_special) return false;
  if (token.single_word && (word_before(text, begin) || word_after(text, end))) return false;
  const Unicode& unicode = Unicode::get();
  if (token.lstrip) {
    // Not past the token before, which may have taken these spaces already.
    size_t p = begin;
    while (p > 0) {
      size_t q = 0;
      if (!unicode.is_space(character_before(text, p, q))) break;
      p = q;
    }
    begin = std::max(p, done);
  }
  if (token.rstrip) {
    while (end < text.size()) {
      const Decoded d = decode_utf8(text.data() + end, text.data() + text.size());
      if (!unicode.is_space(d.value)) break;
      end += d.length;
    }
  }
  return true;
}

}  // namespace mang
