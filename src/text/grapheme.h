// Extended grapheme clusters (UAX #29): what a reader takes for one character. SentencePiece's charsmap normalizer, as
// Hugging Face runs it, works on them.
#pragma once

#include <string_view>

namespace mang {

// The length in bytes of the cluster at the beginning of a text that is not empty.
size_t grapheme_length(std::string_view text);

}  // namespace mang
