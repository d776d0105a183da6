// The kernels of elementwise_kernels.h over the 16-lane vector. Include after a vec_*-inl.h and math-inl.h.
#pragma once

#include <cstdint>

namespace {

// Calls f(vector, y) for 16 elements at a time and stores its result over x; the last, short vector is padded with
// zeros.
template <typename F>
inline void for_vectors(float* x, const float* y, int64_t n, F f) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) vf_store(x + i, f(vf_load(x + i), vf_load(y + i)));
  if (const int rest = static_cast<int>(n - i); rest > 0) {
    vf_store_n(x + i, f(vf_load_n(x + i, rest), vf_load_n(y + i, rest)), rest);
  }
}

template <typename F>
inline void for_vectors(float* x, int64_t n, F f) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) vf_store(x + i, f(vf_load(x + i)));
  if (const int rest = static_cast<int>(n - i); rest > 0) vf_store_n(x + i, f(vf_load_n(x + i, rest)), rest);
}

inline void rms_norm_row(const float* x, const float* weight, float epsilon, int64_t D, float* y) {
  VF squares = vf_zero();
  int64_t i = 0;
  for (; i + 16 <= D; i += 16) {
    const VF v = vf_load(x + i);
    squares = vf_fma(v, v, squares);
  }
  const int rest = static_cast<int>(D - i);
  if (rest > 0) {
    const VF v = vf_load_n(x + i, rest);
    squares = vf_fma(v, v, squares);
  }
  const VF r = vf_set(1.0f / __builtin_sqrtf(vf_sum(squares) / static_cast<float>(D) + epsilon));
  for (i = 0; i + 16 <= D; i += 16) vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), r), vf_load(weight + i)));
  if (rest > 0) vf_store_n(y + i, vf_mul(vf_mul(vf_load_n(x + i, rest), r), vf_load_n(weight + i, rest)), rest);
}

inline void rope_token(const float* cos, const float* sin, int64_t half, int64_t heads, int64_t head_dim, float* x) {
  for (int64_t h = 0; h < heads; ++h, x += head_dim) {
    float* a = x;
    float* b = x + half;
    int64_t i = 0;
    for (; i + 16 <= half; i += 16) {
      const VF c = vf_load(cos + i);
      const VF s = vf_load(sin + i);
      const VF va = vf_load(a + i);
      const VF vb = vf_load(b + i);
      vf_store(a + i, vf_fma(va, c, vf_neg(vf_mul(vb, s))));
      vf_store(b + i, vf_fma(vb, c, vf_mul(va, s)));
    }
    if (const int rest = static_cast<int>(half - i); rest > 0) {
      const VF c = vf_load_n(cos + i, rest);
      const VF s = vf_load_n(sin + i, rest);
      const VF va = vf_load_n(a + i, rest);
      const VF vb = vf_load_n(b + i, rest);
      vf_store_n(a + i, vf_fma(va, c, vf_neg(vf_mul(vb, s))), rest);
      vf_store_n(b + i, vf_fma(vb, c, vf_mul(va, s)), rest);
    }
  }
}

inline VF silu(VF x) { return vf_div(x, vf_add(vf_set(1.0f), vf_exp(vf_neg(x)))); }

inline VF gelu_tanh(VF x) {
  const VF cube = vf_mul(vf_mul(x, x), x);
  const VF inner = vf_mul(vf_set(0x1.988454p-1f), vf_fma(vf_set(0.044715f), cube, x));  // √(2/π)
  return vf_mul(vf_mul(vf_set(0.5f), x), vf_add(vf_set(1.0f), vf_tanh(inner)));
}

inline void silu_mul_range(float* gate, const float* up, int64_t n) {
  for_vectors(gate, up, n, [](VF g, VF u) { return vf_mul(silu(g), u); });
}
inline void gelu_mul_range(float* gate, const float* up, int64_t n) {
  for_vectors(gate, up, n, [](VF g, VF u) { return vf_mul(gelu_tanh(g), u); });
}
inline void add_range(float* x, const float* y, int64_t n) {
  for_vectors(x, y, n, [](VF a, VF b) { return vf_add(a, b); });
}
inline void scale_range(float* x, float factor, int64_t n) {
  const VF f = vf_set(factor);
  for_vectors(x, n, [f](VF a) { return vf_mul(a, f); });
}
inline void soft_cap_range(float* x, float cap, int64_t n) {
  const VF c = vf_set(cap);
  for_vectors(x, n, [c](VF a) { return vf_mul(c, vf_tanh(vf_div(a, c))); });
}
inline void add_weighted_rows(const float* rows, int64_t ld, const int32_t* places, const float* weights, int64_t count,
                              int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    VF sum = vf_zero();
    for (int64_t r = 0; r < count; ++r) sum = vf_fma(vf_set(weights[r]), vf_load(rows + places[r] * ld + i), sum);
    vf_store(y + i, sum);
  }
  if (const int rest = static_cast<int>(n - i); rest > 0) {
    VF sum = vf_zero();
    for (int64_t r = 0; r < count; ++r) {
      sum = vf_fma(vf_set(weights[r]), vf_load_n(rows + places[r] * ld + i, rest), sum);
    }
    vf_store_n(y + i, sum, rest);
  }
}
inline void exp_range(float* x, int64_t n) {
  for_vectors(x, n, [](VF a) { return vf_exp(a); });
}
inline void tanh_range(float* x, int64_t n) {
  for_vectors(x, n, [](VF a) { return vf_tanh(a); });
}

}  // namespace

#define MANG_ELEMENTWISE_TABLE                                                                                   \
  {                                                                                                              \
    rms_norm_row, rope_token, silu_mul_range, gelu_mul_range, add_range, scale_range, soft_cap_range,            \
        add_weighted_rows, exp_range, tanh_range                                                                 \
  }
