// Sampling parameters out of a JSON object, by the names most programs use.
#pragma once

#include "base/json_fields.h"
#include "engine/sampling_params.h"

namespace mang {

// temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, seed, ignore_eos, stop
// (a string or several) and logit_bias ({"42": -1.5}, where null bans a token). What is absent stays as it is; ranges
// are for validate().
Result<void> read_sampling(JsonFields& fields, SamplingParams& out);

// An array of token ids, 0 or more each. `name` stands in errors.
Result<std::vector<int32_t>> read_token_ids(const Json& value, const char* name, const JsonFields& fields);

}  // namespace mang
