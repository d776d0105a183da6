// The unigram language model: of all ways to write a word with the vocabulary's tokens, the most probable one.
// Source: Kudo 2018; ties and unknown characters as Hugging Face (a later way must be strictly better; neighbouring
// unknown characters are one token; an unknown character costs the worst score less 10).
// O(n · longest token) for a word of n bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"
#include "text/trie.h"

namespace mang {

struct UnigramScratch {
  struct Best {
    double score = 0;
    uint32_t begin = UINT32_MAX;  // of the last token of the best way to here; UINT32_MAX: not reached
    int32_t id = -1;
  };
  std::vector<Best> best;
  std::vector<std::pair<uint32_t, uint32_t>> unknown;  // for the way back: (begin, end)
};

class UnigramModel {
 public:
  static Result<UnigramModel> build(const TokenizerSpec& spec);
  void encode(std::string_view word, UnigramScratch& scratch, std::vector<int32_t>& out) const;

 private:
  void append_unknown(std::string_view text, std::vector<int32_t>& out) const;

  Trie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
  int32_t unknown_id_ = -1;
  bool byte_fallback_ = false;
  std::vector<int32_t> byte_ids_;  // of <0xNN>, −1: none
};

}  // namespace mang
