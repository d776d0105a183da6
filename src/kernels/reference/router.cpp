#include "kernels/reference/router.h"

#include <cmath>
#include <vector>

#include "kernels/math.h"

namespace mang::reference {

void route(const float* logits, int64_t E, int64_t used, bool renormalise, int32_t* experts, float* weights) {
  float largest = logits[0];
  for (int64_t e = 1; e < E; ++e) {
    if (logits[e] > largest) largest = logits[e];
  }
  std::vector<float> p(static_cast<size_t>(E));
  float lanes[16] = {};
  for (size_t e = 0; e < p.size(); ++e) {
    p[e] = exp_f32(logits[e] - largest);
    lanes[e % 16] += p[e];
  }
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  for (float& value : p) value /= lanes[0];

  std::vector<bool> taken(p.size());
  float sum = 0;
  for (int64_t r = 0; r < used; ++r) {
    size_t best = p.size();
    for (size_t e = 0; e < p.size(); ++e) {
      if (!taken[e] && (best == p.size() || p[e] > p[best])) best = e;
    }
    taken[best] = true;
    experts[r] = static_cast<int32_t>(best);
    weights[r] = p[best];
    sum += p[best];
  }
  if (!renormalise) return;
  for (int64_t r = 0; r < used; ++r) weights[r] /= sum;
}

void add_weighted(const float* results, const float* weights, int64_t used, int64_t D, float* y) {
  for (int64_t i = 0; i < D; ++i) {
    y[i] = 0;
    for (int64_t r = 0; r < used; ++r) y[i] = std::fma(weights[r], results[r * D + i], y[i]);
  }
}

}  // namespace mang::reference
