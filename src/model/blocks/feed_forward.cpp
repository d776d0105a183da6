#include "model/blocks/feed_forward.h"

#include "model/blocks/linear.h"

namespace mang {

void feed_forward_block(Step& step, GateFunction f, const FeedForwardWeights& weights, const float* x, float* y) {
  const int64_t M = step.tokens();
  const int64_t D = weights.gate.weight.cols();
  const int64_t F = weights.gate.weight.rows();
  float* gate = step.work().floats(Workspace::kGate, M * F);  // [M, F]
  float* up = step.work().floats(Workspace::kUp, M * F);      // [M, F]

  const Output both[] = {{&weights.gate, gate}, {&weights.up, up}};
  linear(step, x, D, both);
  gate_mul(step.device(), f, gate, up, M, F, F);
  const Output down[] = {{&weights.down, y}};
  linear(step, gate, F, down);
}

}  // namespace mang
