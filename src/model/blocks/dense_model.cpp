#include "model/blocks/dense_model.h"

namespace mang {

Result<RopeTable> bind_rope(const DenseConfig& config, WeightSource& weights) {
  const TensorName name = {"", "rope_freqs"};
  std::vector<float> divisors;
  if (weights.has(name)) {
    MANG_TRY(divisors, weights.vector(name, config.rotary_dim / 2));
    for (const float divisor : divisors) {
      if (!(divisor > 0)) return fail("tensor 'rope_freqs.weight' holds {}; positive numbers are wanted.", divisor);
    }
  }
  return RopeTable(inverse_frequencies(config.rope, config.rotary_dim, divisors),
                   static_cast<float>(config.rope.attention_factor));
}

}  // namespace mang
