// The 16-lane vector as two AVX2 registers (AVX2, FMA, F16C). See vec_generic-inl.h for what each name does.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/cpu/scalar-inl.h"

namespace {

struct VF { __m256 a, b; };
struct VI { __m256i a, b; };
struct VB { __m256i a, b; };

inline VF vf_load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void vf_store(float* p, VF v) { _mm256_storeu_ps(p, v.a); _mm256_storeu_ps(p + 8, v.b); }
inline VF vf_set(float x) { const __m256 v = _mm256_set1_ps(x); return {v, v}; }
inline VF vf_zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline VF vf_add(VF x, VF y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline VF vf_sub(VF x, VF y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline VF vf_mul(VF x, VF y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline VF vf_div(VF x, VF y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline VF vf_fma(VF x, VF y, VF z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
inline VF vf_sqrt(VF x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
inline VF vf_max(VF x, VF y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline VF vf_min(VF x, VF y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline VF vf_abs(VF x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
inline VF vf_neg(VF x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_xor_ps(sign, x.a), _mm256_xor_ps(sign, x.b)};
}
inline VF vf_select_lt(VF x, VF y, VF yes, VF no) {
  return {_mm256_blendv_ps(no.a, yes.a, _mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ)),
          _mm256_blendv_ps(no.b, yes.b, _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ))};
}
inline VF vf_keep(VF x, int from, int to, float other) {
  const __m256i lo = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i hi = _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15);
  const __m256i f = _mm256_set1_epi32(from - 1);
  const __m256i t = _mm256_set1_epi32(to);
  const __m256 o = _mm256_set1_ps(other);
  const __m256i ka = _mm256_and_si256(_mm256_cmpgt_epi32(lo, f), _mm256_cmpgt_epi32(t, lo));
  const __m256i kb = _mm256_and_si256(_mm256_cmpgt_epi32(hi, f), _mm256_cmpgt_epi32(t, hi));
  return {_mm256_blendv_ps(o, x.a, _mm256_castsi256_ps(ka)), _mm256_blendv_ps(o, x.b, _mm256_castsi256_ps(kb))};
}

inline VF vf_load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
inline void vf_store_f16(uint16_t* p, VF x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
}
inline __m256 half_from_bf16(const uint16_t* p) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
}
inline VF vf_load_bf16(const uint16_t* p) { return {half_from_bf16(p), half_from_bf16(p + 8)}; }
inline __m128i load8(const void* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }
inline VI vi_load_u8(const uint8_t* p) { return {_mm256_cvtepu8_epi32(load8(p)), _mm256_cvtepu8_epi32(load8(p + 8))}; }
inline VI vi_load_i8(const int8_t* p) { return {_mm256_cvtepi8_epi32(load8(p)), _mm256_cvtepi8_epi32(load8(p + 8))}; }
inline VF vf_from_vi(VI x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
inline VF vf_load_i8(const int8_t* p) { return vf_from_vi(vi_load_i8(p)); }
inline VF vf_load_u8(const uint8_t* p) { return vf_from_vi(vi_load_u8(p)); }
inline VF vf_load_n(const float* p, int n) {
  float t[16] = {};
  std::memcpy(t, p, sizeof(float) * static_cast<size_t>(n));
  return vf_load(t);
}
inline void vf_store_n(float* p, VF x, int n) {
  float t[16];
  vf_store(t, x);
  std::memcpy(p, t, sizeof(float) * static_cast<size_t>(n));
}

inline float vf_sum(VF x) {
  const __m256 h8 = _mm256_add_ps(x.a, x.b);
  const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_add_ss(h2, _mm_movehdup_ps(h2)));
}
inline float vf_max_lane(VF x) {
  const __m256 h8 = _mm256_max_ps(x.a, x.b);
  const __m128 h4 = _mm_max_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_max_ss(h2, _mm_movehdup_ps(h2)));
}

template <typename Op>
inline VF vf_fold_each(const VF* v, Op op) {
  const auto of = [&](__m256 x, __m256 y) { return op(VF{x, x}, VF{y, y}).a; };
  // [x₀₂ y₀₂ x₁₃ y₁₃] in each half, then [x y z w]: one value a vector and half.
  const auto two = [&](__m256 x, __m256 y) { return of(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y)); };
  const auto four = [&](const VF* from) {
    __m256 h[4];
    for (int i = 0; i < 4; ++i) h[i] = of(from[i].a, from[i].b);
    const __m256 xy = two(h[0], h[1]), zw = two(h[2], h[3]);
    return of(_mm256_shuffle_ps(xy, zw, 0x44), _mm256_shuffle_ps(xy, zw, 0xEE));
  };
  const auto eight = [&](const VF* from) {
    const __m256 x = four(from), y = four(from + 4);
    return of(_mm256_permute2f128_ps(x, y, 0x20), _mm256_permute2f128_ps(x, y, 0x31));
  };
  return {eight(v), eight(v + 8)};
}

inline VI vi_load(const int32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline void vi_store(int32_t* p, VI x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), x.b);
}
inline VI vi_set(int32_t x) { const __m256i v = _mm256_set1_epi32(x); return {v, v}; }
inline VI vi_add(VI x, VI y) { return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
inline VI vi_sub(VI x, VI y) { return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)}; }
inline VI vi_mul(VI x, VI y) { return {_mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b)}; }
inline VI vi_shl(VI x, int n) { return {_mm256_slli_epi32(x.a, n), _mm256_slli_epi32(x.b, n)}; }
inline VI vi_round(VF x) { return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
inline VF vf_bits(VI x) { return {_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)}; }
inline VI vi_bits(VF x) { return {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }
inline void vi_store_i8(int8_t* p, VI x) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}

inline VB vb_load(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
inline void vb_store(uint8_t* p, VB x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), x.b);
}

inline VB vb_set(uint8_t x) { const __m256i v = _mm256_set1_epi8(static_cast<char>(x)); return {v, v}; }
inline VB vb_and(VB x, VB y) { return {_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
inline VB vb_or(VB x, VB y) { return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
inline VB vb_sub(VB x, VB y) { return {_mm256_sub_epi8(x.a, y.a), _mm256_sub_epi8(x.b, y.b)}; }
template <int N> inline VB vb_srl(VB x) { return {_mm256_srli_epi16(x.a, N), _mm256_srli_epi16(x.b, N)}; }
template <int N> inline VB vb_shl(VB x) { return {_mm256_slli_epi16(x.a, N), _mm256_slli_epi16(x.b, N)}; }
inline VB vb_lookup(const uint8_t* table, VB x) {
  const __m256i t = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm256_shuffle_epi8(t, x.a), _mm256_shuffle_epi8(t, x.b)};
}

}  // namespace
