// The normalizer, pre_tokenizer, post_processor and decoder of tokenizer.json → the steps of a TokenizerSpec.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace mang {

Result<std::vector<NormalizerStep>> read_normalizers(const Json& json);
Result<std::vector<PreTokenizerStep>> read_pre_tokenizers(const Json& json);
Result<std::vector<TemplatePiece>> read_post_processor(const Json& json);
Result<std::vector<DecoderStep>> read_decoders(const Json& json);

// A member of a component, of the type asked for; errors name the component and the member.
Result<std::string> json_string(const Json& object, std::string_view component, const char* name);
Result<bool> json_bool(const Json& object, std::string_view component, const char* name);
Result<bool> json_bool_or(const Json& object, std::string_view component, const char* name, bool otherwise);
Result<uint64_t> json_unsigned(const Json& object, std::string_view component, const char* name);

}  // namespace mang
