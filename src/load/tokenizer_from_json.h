// tokenizer.json (Hugging Face tokenizers, version "1.0") → TokenizerSpec. What it has that is not supported is
// refused by name; nothing is passed over but "truncation" and "padding", which transformers resets before each use.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace mang {

// `json`: the contents of tokenizer.json; `config`: those of tokenizer_config.json, empty if there is none (it names
// the bos, eos and padding tokens). `what` names the source in errors.
Result<TokenizerSpec> tokenizer_from_json(std::string_view json, std::string_view config, std::string_view what);

}  // namespace mang
