// How fast a model would be on this machine, from its size and a short probe: nothing is loaded.
#pragma once

#include <cstdint>

#include "kernels/probe.h"
#include "model/model.h"

namespace mang {

// What one token of one sequence costs.
struct TokenWork {
  double weight_bytes = 0;           // read for each generated token
  double kv_bytes_per_position = 0;  // written once, and read again by every later token
  double prompt_macs = 0;            // multiply-adds of a prompt's token
  int64_t layers = 0;
};

struct SpeedRange {
  double likely = 0, low = 0, high = 0;  // tokens a second
};

struct SpeedEstimate {
  SpeedRange decode;   // writing, with `depth` tokens already there
  SpeedRange prefill;  // reading a prompt of some hundred tokens
};

// Decode is held to the memory: weights stream at 85 % of the bandwidth of reading in steps, keys and values at half.
// Prefill is held to the integer products, at a share of the probed peak, and to what each layer does for each token
// beside them. The shares are those measured with `mang bench` (docs/measurements.md, "Predicted speed"); the range
// says how far they vary between models: a quarter for decode, a third for prefill. Zeros where the probe found no
// bandwidth.
SpeedEstimate estimate_speed(const TokenWork& work, const ProbeResult& machine, int64_t depth);

// The cost of a model that is described: `weight_bytes` of all its weights. The embedding is a table where the head has
// weights of its own: looked up, not read.
TokenWork token_work(const ModelInfo& info, double weight_bytes, double kv_bytes_per_position);

}  // namespace mang
