// Rotary frequencies: from a model's configuration to the table of inverse frequencies.
// Sources: Su et al. 2021 (arXiv 2104.09864); linear interpolation: Chen et al. 2023 (arXiv 2306.15595); YaRN: Peng et
// al. 2023 (arXiv 2309.00071); llama3: Llama 3.1's release; all as transformers 5.23 computes them
// (modeling_rope_utils.py), in float32 where it does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/config_source.h"

namespace mang {

struct RopeConfig {
  enum class Scaling { none, linear, llama3, yarn };

  Scaling scaling = Scaling::none;
  double theta = 10000;
  double factor = 1;                 // linear, llama3, yarn
  double low_frequency_factor = 1;   // llama3
  double high_frequency_factor = 4;  // llama3
  double original_context = 0;       // llama3, yarn
  double beta_fast = 32;             // yarn
  double beta_slow = 1;              // yarn
  bool truncate = true;              // yarn: whole dimensions as the ramp's ends
  double attention_factor = 1;       // yarn: multiplies cos and sin
};

// Reads a rope configuration of config.json: `object` is the path of its object ("rope_parameters",
// "rope_parameters.full_attention", "rope_scaling"), `theta` of the base where the object has none. Refuses scalings
// this program does not compute (dynamic, longrope, …) by name.
Result<RopeConfig> read_rope_hf(const ConfigSource& source, const std::string& object, const std::string& theta,
                                double default_theta, int64_t context);

// The same from GGUF's rope.* keys.
Result<RopeConfig> read_rope_gguf(const ConfigSource& source, int64_t context);

// [rotary_dim / 2]. `divisors`: GGUF's rope_freqs.weight, one for each frequency, or empty.
std::vector<float> inverse_frequencies(const RopeConfig& config, int64_t rotary_dim,
                                       const std::vector<float>& divisors);

}  // namespace mang
