// A tokenizer whose tokens are bytes, with two control tokens, for tests with the fake model.
#pragma once

#include <utility>

#include "text/tokenizer.h"
#include "text/unicode.h"

namespace mang {

inline constexpr int32_t kEnd = 256;    // a control token that ends an answer
inline constexpr int32_t kThink = 257;  // one that does not

// Ids 0 … 255 are bytes, written as byte-level vocabularies write them: printable ones as themselves, the others as
// U+0100 and on.
inline Tokenizer byte_tokenizer() {
  TokenizerSpec spec;
  char32_t stand_in = 0x100;
  for (int32_t b = 0; b < 256; ++b) {
    const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    spec.vocabulary.push_back({to_utf8(printable ? static_cast<char32_t>(b) : stand_in++), b, 0});
  }
  spec.added_tokens = {{.id = kEnd, .content = "<end>", .special = true},
                       {.id = kThink, .content = "<think>", .special = true}};
  spec.pre_tokenizers.emplace_back().kind = PreTokenizerStep::Kind::kByteLevel;
  spec.decoders.emplace_back().kind = DecoderStep::Kind::kByteLevel;
  spec.eos_id = kEnd;
  spec.eog_ids = {kEnd};
  return Tokenizer::build(std::move(spec)).value();
}

}  // namespace mang
