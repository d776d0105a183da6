// Which experts each token goes to (Shazeer et al. 2017, arXiv 1701.06538; softmax before the choice, as Qwen3 has it).
// The plain definition is kernels/reference/router.h.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/device.h"

namespace mang {

// For each of M tokens the `used` experts it goes to, best first, and what each of their results is multiplied with.
struct Routing {
  int64_t tokens = 0;            // M
  int64_t used = 0;              // U
  std::vector<int32_t> experts;  // [M, U], each in [0, E), all of a token different
  std::vector<float> weights;    // [M, U]
};

// Softmax over the logits of all experts [M, E]: p = e / Σe with e = exp(logit − largest), summed in 16 virtual lanes.
// The `used` largest are chosen, ties to the lower index; their weights are p, or p / Σ of the chosen p (added best
// first) where `renormalise`. A logit that is no number makes all weights of its token NaN. 1 ≤ used ≤ E.
// logits: overwritten.
Routing route(const Device& device, float* logits, int64_t M, int64_t E, int64_t used, bool renormalise);

}  // namespace mang
