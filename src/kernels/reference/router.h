// The definition of choosing experts and of adding their results, in plain loops.
#pragma once

#include <cstdint>

namespace mang::reference {

// One token: kernels/router.h.   logits: [E]; experts, weights: [used]
void route(const float* logits, int64_t E, int64_t used, bool renormalise, int32_t* experts, float* weights);

// y[i] = Σ_r weights[r] · results[r][i], r in order, one fma each, starting at 0.   results: [used, D]; y: [D]
void add_weighted(const float* results, const float* weights, int64_t used, int64_t D, float* y);

}  // namespace mang::reference
