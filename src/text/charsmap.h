// SentencePiece's precompiled character map: a Darts double-array trie from strings to their replacements, as stored
// in tokenizer.json (base64) and in GGUF (tokenizer.ggml.precompiled_charsmap).
// Layout: u32 size of the trie in bytes, the trie (u32 units), then the replacements, each ended by a zero byte.
// Source: sentencepiece's normalizer (NormalizerSpec.precompiled_charsmap) and Hugging Face's spm_precompiled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang {

class Charsmap {
 public:
  static Result<Charsmap> build(std::string_view bytes);

  // The text with the map applied cluster by cluster, character by character, as Hugging Face does.
  // `origin` is how many bytes the beginning of the text reaches (text/origin_tracker.h), before and after.
  [[nodiscard]] std::string apply(std::string_view text, size_t& origin) const;

 private:
  // The replacement of the shortest prefix of `part` that the map has; false: none.
  bool find(std::string_view part, std::string_view& replacement) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace mang
