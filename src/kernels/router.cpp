#include "kernels/router.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/elementwise.h"
#include "kernels/op_trace.h"
#include "kernels/split.h"

namespace mang {
namespace {

// Logits → probabilities, in place.
void softmax(const Device& device, float* x, int64_t n) {
  float largest = x[0];
  for (int64_t i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  for (int64_t i = 0; i < n; ++i) x[i] -= largest;
  exp_row(device, x, n);
  float lanes[16] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i % 16] += x[i];
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  for (int64_t i = 0; i < n; ++i) x[i] /= lanes[0];
}

// The `used` largest of p [n], best first, by insertion: a later one must be larger to go before an earlier one.
void choose(const float* p, int64_t n, int64_t used, int32_t* experts, float* weights) {
  int64_t count = 0;
  for (int64_t e = 0; e < n; ++e) {
    if (count == used && !(p[e] > weights[used - 1])) continue;
    int64_t at = count < used ? count++ : used - 1;
    for (; at > 0 && p[e] > weights[at - 1]; --at) {
      weights[at] = weights[at - 1];
      experts[at] = experts[at - 1];
    }
    weights[at] = p[e];
    experts[at] = static_cast<int32_t>(e);
  }
}

}  // namespace

Routing route(const Device& device, float* logits, int64_t M, int64_t E, int64_t used, bool renormalise) {
  MANG_CHECK(used >= 1 && used <= E);
  const OpScope scope(device, "choose experts");
  Routing out;
  out.tokens = M;
  out.used = used;
  out.experts.resize(static_cast<size_t>(M * used));
  out.weights.resize(static_cast<size_t>(M * used));
  for_rows(device, M, E, [&](int64_t m) {
    float* p = logits + m * E;
    float* weights = out.weights.data() + m * used;
    softmax(device, p, E);
    choose(p, E, used, out.experts.data() + m * used, weights);
    if (!renormalise) return;
    float sum = 0;
    for (int64_t r = 0; r < used; ++r) sum += weights[r];
    for (int64_t r = 0; r < used; ++r) weights[r] /= sum;
  });
  return out;
}

}  // namespace mang
