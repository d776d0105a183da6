#include "model/blocks/moe.h"

#include "kernels/experts.h"
#include "kernels/router.h"

namespace mang {

void moe_block(Step& step, GateFunction f, const MoeConfig& config, const MoeWeights& weights, const float* x,
               float* y) {
  const int64_t M = step.tokens();
  const int64_t D = weights.router.cols();
  const int64_t E = config.experts;
  float* logits = step.work().floats(Workspace::kRouter, M * E);                                // [M, E]
  float* inner = step.work().floats(Workspace::kInner, M * config.used * config.intermediate);  // [M · U, F]

  const Product router = {&weights.router, logits, E};
  matmul(step.device(), Arithmetic::exact, x, D, M, D, std::span(&router, 1));
  const Routing routing = route(step.device(), logits, M, E, config.used, config.renormalise);
  expert_feed_forward(step.device(), step.arithmetic(), f, {weights.gate, weights.up, weights.down}, routing, x, inner,
                      y);
}

}  // namespace mang
