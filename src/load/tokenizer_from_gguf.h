// The vocabulary of a GGUF file (tokenizer.ggml.*) → TokenizerSpec: byte-level BPE ("gpt2"), SentencePiece BPE
// ("llama") and unigram ("t5"). GGUF names a pre-tokenizer instead of describing it; what each name stands for is what
// the publisher's tokenizer.json says. A name that is not known is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/gguf.h"
#include "text/tokenizer_spec.h"

namespace mang {

// The keys of tokenizer.ggml, as plain data. Ids: −1 where the file has none.
struct GgufVocabulary {
  std::string model;
  std::string pre;
  std::vector<std::string> tokens;
  std::vector<float> scores;        // empty, or one for each token
  std::vector<int64_t> token_types; // empty, or one for each token: 1 normal, 2 unknown, 3 control, 4 user-defined, …
  std::vector<std::string_view> merges;
  int64_t bos_id = -1, eos_id = -1, unknown_id = -1, pad_id = -1, eot_id = -1, eom_id = -1;
  bool has_add_bos = false, add_bos = false, add_eos = false;
  bool has_add_space_prefix = false, add_space_prefix = false;
  bool remove_extra_whitespaces = false;
  std::string precompiled_charsmap;
};

Result<GgufVocabulary> read_gguf_vocabulary(const GgufMetadata& metadata);
Result<TokenizerSpec> tokenizer_from_vocabulary(GgufVocabulary vocabulary);

// Both; errors name the file.
Result<TokenizerSpec> tokenizer_from_gguf(const GgufMetadata& metadata);

}  // namespace mang
