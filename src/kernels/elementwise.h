// Elementwise operations of the feed-forward part and the residual stream. Each element is independent, so any split
// over threads gives the same bits.
#pragma once

#include <cstdint>

#include "kernels/device.h"

namespace mang {

enum class GateFunction {
  silu,       // x / (1 + exp(−x))
  gelu_tanh,  // x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))   Hendrycks & Gimpel 2016, arXiv 1606.08415
};

// x[m, i] += y[m, i].    [M, D] contiguous.
void add(const Device& device, float* x, const float* y, int64_t M, int64_t D);

// x[m, i] += bias[i].    x: [M, D] rows ldx apart.
void add_bias(const Device& device, float* x, int64_t ldx, const float* bias, int64_t M, int64_t D);

// x[m, i] *= factor.
void scale(const Device& device, float* x, float factor, int64_t M, int64_t D);

// x[m, i] = cap · tanh(x[m, i] / cap)   (logit soft-capping, Gemma 2)
void soft_cap(const Device& device, float* x, float cap, int64_t M, int64_t D);

// x[i] = exp_f32(x[i]) (kernels/math.h) on the calling thread; any number of threads may call it at once.
void exp_row(const Device& device, float* x, int64_t n);

}  // namespace mang
