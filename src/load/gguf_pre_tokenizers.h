// What the names in tokenizer.ggml.pre stand for.
#pragma once

#include <string_view>

#include "text/tokenizer_spec.h"

namespace mang {

// Fills normalizers, pre-tokenizers and ignore_merges of a byte-level BPE spec, and whether BOS is added where the
// file does not say. False: the name is not known.
bool apply_pre_tokenizer(std::string_view name, TokenizerSpec& spec, bool& adds_bos);

}  // namespace mang
