// The bytes of tokenizer.json → the large tables as flat lists, and the rest as a small tree. A vocabulary of 260,000
// entries in an ordered tree would take quadratic time, so the tables never become one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace mang {

struct TokenizerJson {
  Json root;  // without model.vocab and model.merges

  struct Entry {
    std::string text;
    int64_t id = 0;    // of an object; in a list: the position
    double score = 0;  // of a list
  };
  std::vector<Entry> vocab;
  bool vocab_is_list = false;  // [["text", score], …]
  bool has_vocab = false;

  std::vector<std::string> merges;  // two for each pair, or one "a b"
  bool merges_are_pairs = false;
  bool has_merges = false;
};

Result<TokenizerJson> read_tokenizer_json(std::string_view json, std::string_view what);

}  // namespace mang
