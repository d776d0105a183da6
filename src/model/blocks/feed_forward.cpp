#include "model/blocks/feed_forward.h"

#include "kernels/gated.h"
#include "model/blocks/linear.h"

namespace mang {

void feed_forward_block(Step& step, GateFunction f, const FeedForwardWeights& weights, const float* x, float* y) {
  const auto bias = [](const Linear& layer) { return layer.bias.empty() ? nullptr : layer.bias.data(); };
  const int64_t M = step.tokens();
  const int64_t F = weights.gate.weight.rows();
  float* inner = step.work().floats(Workspace::kInner, M * F);  // [M, F]

  const GatedMatrices both = {&weights.gate.weight, &weights.up.weight, bias(weights.gate), bias(weights.up)};
  gated_matmul(step.device(), step.arithmetic(), f, both, x, M, inner);
  const Output down[] = {{&weights.down, y}};
  linear(step, inner, F, down);
}

}  // namespace mang
