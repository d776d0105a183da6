#include "kernels/reference/elementwise.h"

#include <cmath>

#include "kernels/math.h"

namespace mang::reference {

namespace {

float silu(float x) { return x / (1.0f + exp_f32(-x)); }

float gelu_tanh(float x) {
  const float cube = x * x * x;
  const float inner = 0x1.988454p-1f * std::fma(0.044715f, cube, x);  // √(2/π) · (x + 0.044715 x³)
  return 0.5f * x * (1.0f + tanh_f32(inner));
}

}  // namespace

void gate_mul(GateFunction f, float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) gate[i] = (f == GateFunction::silu ? silu(gate[i]) : gelu_tanh(gate[i])) * up[i];
}

void add(float* x, const float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += y[i];
}

void scale(float* x, float factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

void soft_cap(float* x, float cap, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = cap * tanh_f32(x[i] / cap);
}

void rms_norm(const float* x, const float* weight, float epsilon, int64_t D, float* y) {
  float lanes[16] = {};
  for (int64_t i = 0; i < D; ++i) lanes[i % 16] = std::fma(x[i], x[i], lanes[i % 16]);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  const float r = 1.0f / std::sqrt(lanes[0] / static_cast<float>(D) + epsilon);
  for (int64_t i = 0; i < D; ++i) y[i] = x[i] * r * weight[i];
}

void rope(const float* cos, const float* sin, int64_t rotary_dim, int64_t heads, int64_t head_dim, float* x) {
  const int64_t half = rotary_dim / 2;
  for (int64_t h = 0; h < heads; ++h, x += head_dim) {
    for (int64_t i = 0; i < half; ++i) {
      const float a = x[i];
      const float b = x[i + half];
      x[i] = std::fma(a, cos[i], -(b * sin[i]));
      x[i + half] = std::fma(b, cos[i], a * sin[i]);
    }
  }
}

}  // namespace mang::reference
