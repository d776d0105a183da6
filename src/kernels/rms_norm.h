// RMSNorm (Zhang & Sennrich 2019, arXiv 1910.07467).
#pragma once

#include <cstdint>

#include "kernels/device.h"

namespace mang {

// y[m, i] = x[m, i] · (1 / sqrt(mean_i(x²) + epsilon)) · weight[i].
// The sum of squares runs in 16 lanes (lane = i mod 16) by fma, lanes folded 8, 4, 2, 1; sqrt and division are IEEE's.
//   x: [M, D] rows ldx apart; weight: [D]; y: [M, D] rows ldy apart, may be x.
// Gemma's (1 + weight) is folded into the weight at load.
void rms_norm(const Device& device, const float* x, int64_t ldx, const float* weight, float epsilon, int64_t M,
              int64_t D, float* y, int64_t ldy);

}  // namespace mang
