// Added tokens: strings cut out of the text before anything else happens to it. Leftmost, then longest.
// Source: the behaviour of Hugging Face's AddedVocabulary.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"
#include "text/trie.h"

namespace mang {

class AddedTokenMatcher {
 public:
  struct Piece {
    std::string_view text;
    int32_t id;  // −1: text between tokens
  };

  AddedTokenMatcher() = default;
  // patterns[i]: what to look for in place of tokens[i] (its normalized form).
  AddedTokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& patterns);

  // Calls f(Piece) for the parts of the text in order. Special tokens are passed over unless `parse_special`.
  template <typename F>
  void split(std::string_view text, bool parse_special, F&& f) const {
    if (trie_.empty() || (!parse_special && only_special_)) {
      f(Piece{text, -1});
      return;
    }
    size_t done = 0;
    Found found;
    for (size_t from = 0; find(text, from, found);) {
      from = found.end;
      size_t begin = found.begin;
      size_t end = found.end;
      if (!take(text, found, parse_special, done, begin, end)) continue;
      if (done < begin) f(Piece{text.substr(done, begin - done), -1});
      f(Piece{text.substr(begin, end - begin), tokens_[found.token].id});
      done = end;
    }
    if (done < text.size()) f(Piece{text.substr(done), -1});
  }

 private:
  struct Found {
    size_t begin = 0, end = 0, token = 0;
  };
  bool find(std::string_view text, size_t from, Found& found) const;
  // Applies single_word, lstrip and rstrip; false: the match does not count.
  bool take(std::string_view text, const Found& found, bool parse_special, size_t done, size_t& begin,
            size_t& end) const;

  std::vector<AddedToken> tokens_;
  Trie trie_;
  bool only_special_ = true;
};

}  // namespace mang
