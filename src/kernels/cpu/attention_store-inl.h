// K and V of one position into a page (layout: kernels/attention.h). Include after a vec_*-inl.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace {

using mang::cpu::kPageRows;
using mang::cpu::KvElement;
using mang::cpu::KvHead;
using mang::cpu::padded_to_16;

constexpr int64_t kScaleGroup = 32;  // elements that share a scale in q8_0

// Calls put(first, vector, count) for x [n] in vectors of 16.
template <typename Put>
inline void for_stored(const float* x, int64_t n, Put put) {
  for (int64_t d = 0; d < n; d += 16) {
    const int count = n - d < 16 ? static_cast<int>(n - d) : 16;
    put(d, count == 16 ? vf_load(x + d) : vf_load_n(x + d, count), count);
  }
}

// x [32] → int8 and their scale.
inline float quantize_32(const float* x, int8_t* q) {
  const VF low = vf_load(x);
  const VF high = vf_load(x + 16);
  const float largest = vf_max_lane(vf_max(vf_abs(low), vf_abs(high)));
  const bool zero = largest < 0x1p-100f;
  const VF inverse = vf_set(zero ? 0.0f : 127.0f / largest);
  vi_store_i8(q, vi_round(vf_mul(low, inverse)));
  vi_store_i8(q + 16, vi_round(vf_mul(high, inverse)));
  return zero ? 0.0f : largest / 127.0f;
}

template <typename T>
inline void scatter(const T* from, int count, T* to) {
  for (int i = 0; i < count; ++i) to[16 * i] = from[i];
}

inline void store_k(const KvHead& kv, std::byte* head, int64_t position, const float* k) {
  const int64_t lane = position % 16;
  const int64_t first = position / 16 * kv.head_dim * 16 + lane;  // of element 0
  if (kv.element == KvElement::f32) {
    float* to = reinterpret_cast<float*>(head) + first;
    for (int64_t d = 0; d < kv.head_dim; ++d) to[16 * d] = k[d];
  } else if (kv.element == KvElement::f16) {
    uint16_t* to = reinterpret_cast<uint16_t*>(head) + first;
    for_stored(k, kv.head_dim, [to](int64_t d, VF x, int count) {
      uint16_t halves[16];
      vf_store_f16(halves, x);
      scatter(halves, count, to + 16 * d);
    });
  } else {
    int8_t* to = reinterpret_cast<int8_t*>(head) + first;
    float* scales =
        reinterpret_cast<float*>(head + kPageRows * kv.head_dim) + position / 16 * (kv.head_dim / kScaleGroup) * 16;
    for (int64_t d = 0; d < kv.head_dim; d += kScaleGroup) {
      int8_t q[32];
      scales[d / kScaleGroup * 16 + lane] = quantize_32(k + d, q);
      scatter(q, 32, to + 16 * d);
    }
  }
}

inline void store_v(const KvHead& kv, std::byte* head, int64_t position, const float* v) {
  const int64_t v_row = padded_to_16(kv.v_head_dim);
  if (kv.element == KvElement::f32) {
    float* to = reinterpret_cast<float*>(head) + position * v_row;
    for (int64_t d = 0; d < kv.v_head_dim; ++d) to[d] = v[d];
  } else if (kv.element == KvElement::f16) {
    uint16_t* to = reinterpret_cast<uint16_t*>(head) + position * v_row;
    for_stored(v, kv.v_head_dim, [to](int64_t d, VF x, int) { vf_store_f16(to + d, x); });  // the padding takes zeros
  } else {
    int8_t* to = reinterpret_cast<int8_t*>(head) + position * v_row;
    float* scales = reinterpret_cast<float*>(head + kPageRows * v_row) + position * (kv.v_head_dim / kScaleGroup);
    for (int64_t d = 0; d < kv.v_head_dim; d += kScaleGroup) scales[d / kScaleGroup] = quantize_32(v + d, to + d);
  }
}

inline void store_position(const KvHead& kv, std::byte* page, int64_t position, const float* k, const float* v) {
  store_k(kv, page + kv.k_offset, position, k);
  store_v(kv, page + kv.v_offset, position, v);
}

}  // namespace
