// The elementwise operations, the norm and the rotary embedding as plain loops: their definitions
// (kernels/elementwise.h, rms_norm.h, rope.h say what the letters mean). The fast kernels give the same bits.
#pragma once

#include <cstdint>

#include "kernels/elementwise.h"

namespace mang::reference {

void gate_mul(GateFunction f, float* gate, const float* up, int64_t n);
void add(float* x, const float* y, int64_t n);
void scale(float* x, float factor, int64_t n);
void soft_cap(float* x, float cap, int64_t n);
// One row [D].
void rms_norm(const float* x, const float* weight, float epsilon, int64_t D, float* y);
// All heads of one token; cos, sin: [rotary_dim / 2].
void rope(const float* cos, const float* sin, int64_t rotary_dim, int64_t heads, int64_t head_dim, float* x);

}  // namespace mang::reference
