// The gated feed-forwards of a mixture of experts: each token through the experts the router chose for it, the results
// weighted and added. Its parts are matmul.h's product and elementwise.h's gate, with their bits; docs/arithmetic.md,
// "Mixture of experts".
#pragma once

#include <cstdint>
#include <span>

#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/router.h"

namespace mang {

// The experts of one layer. All gates have one type and shape, and so have all ups and all downs.
struct ExpertMatrices {
  std::span<const PackedMatrix> gate;  // [E] of [F, D]
  std::span<const PackedMatrix> up;    // [E] of [F, D]
  std::span<const PackedMatrix> down;  // [E] of [D, F]
};

// y[m] = Σ_r routing.weights[m, r] · down_e(f(gate_e(x[m])) · up_e(x[m])), e = routing.experts[m, r]: results are added
// in the order r of the router, one fma each, starting at 0.
//   x, y: [M, D] contiguous, not the same; inner: [M · U, F], working memory of the caller.
// Tokens are sorted by expert, so that the weights of an expert are read once for all of its tokens.
void expert_feed_forward(const Device& device, Arithmetic arithmetic, GateFunction f, const ExpertMatrices& experts,
                         const Routing& routing, const float* x, float* inner, float* y);

}  // namespace mang
