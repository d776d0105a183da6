// A mixture of experts (Shazeer et al. 2017, arXiv 1701.06538): a router sends each token through a few of many gated
// feed-forwards.
#pragma once

#include <vector>

#include "kernels/elementwise.h"
#include "model/blocks/step.h"
#include "model/config.h"
#include "model/weights.h"

namespace mang {

struct MoeWeights {
  PackedMatrix router;             // [E, D]
  std::vector<PackedMatrix> gate;  // [E] of [F, D], F = MoeConfig::intermediate
  std::vector<PackedMatrix> up;    // [E] of [F, D]
  std::vector<PackedMatrix> down;  // [E] of [D, F]
};

// y = Σ over the experts a token is sent to, best first, of their weight · W_down (f(W_gate x) · (W_up x)).   x, y: [M,
// D] The router is multiplied in float32 whatever its type: which experts are chosen must not hang on a rounded input.
void moe_block(Step& step, GateFunction f, const MoeConfig& config, const MoeWeights& weights, const float* x,
               float* y);

}  // namespace mang
