// The elementwise, norm and rotary kernels of one instruction set. Raw pointers only: the table is filled in ISA
// objects. Meanings: kernels/elementwise.h, rms_norm.h, rope.h; none needs aligned pointers.
#pragma once

#include <cstdint>

namespace mang::cpu {

struct ElementwiseKernels {
  // One row.  x, weight, y: [D]
  void (*rms_norm)(const float* x, const float* weight, float epsilon, int64_t D, float* y);
  // All heads of one token.  cos, sin: [half]; x: [heads, head_dim]
  void (*rope)(const float* cos, const float* sin, int64_t half, int64_t heads, int64_t head_dim, float* x);
  void (*silu_mul)(float* gate, const float* up, int64_t n);
  void (*gelu_mul)(float* gate, const float* up, int64_t n);
  void (*add)(float* x, const float* y, int64_t n);
  void (*scale)(float* x, float factor, int64_t n);
  void (*soft_cap)(float* x, float cap, int64_t n);
  // y[i] = Σ_r weights[r] · rows[places[r] · ld + i], r in order, one fma each, starting at 0.   y: [n]
  void (*add_weighted)(const float* rows, int64_t ld, const int32_t* places, const float* weights, int64_t count,
                       int64_t n, float* y);
  // The functions by themselves, to be compared with math.h.
  void (*exp)(float* x, int64_t n);
  void (*tanh)(float* x, int64_t n);
};

extern const ElementwiseKernels kElementwiseGeneric;
extern const ElementwiseKernels kElementwiseAvx2;    // also for AVX-VNNI
extern const ElementwiseKernels kElementwiseAvx512;  // also for AMX

}  // namespace mang::cpu
