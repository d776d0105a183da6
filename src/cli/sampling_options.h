// Options that choose how tokens are drawn; what is not given comes from the model's publisher.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"

namespace mang::cli {

struct SamplingOptions {
  std::optional<float> temperature, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty;
  std::optional<int32_t> top_k;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> logit_bias;  // ID=BIAS
  std::string seed;                     // a number or "random"
  std::vector<std::string> stop;
  bool ignore_eos = false;
};

void add_sampling_options(CLI::App& command, SamplingOptions& options);

// The defaults with what the user said on top. Errors are mistakes in the options.
Result<SamplingParams> sampling_params(const SamplingOptions& options, const GenerationDefaults& defaults);

}  // namespace mang::cli
