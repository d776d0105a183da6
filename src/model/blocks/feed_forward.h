// The gated feed-forward block (Shazeer 2020, arXiv 2002.05202).
#pragma once

#include "kernels/elementwise.h"
#include "model/blocks/step.h"
#include "model/weights.h"

namespace mang {

struct FeedForwardWeights {
  Linear gate;  // [F, D]
  Linear up;    // [F, D]
  Linear down;  // [D, F]
};

// y = W_down · (f(W_gate x) · (W_up x)).   x, y: [M, D]
void feed_forward_block(Step& step, GateFunction f, const FeedForwardWeights& weights, const float* x, float* y);

}  // namespace mang
