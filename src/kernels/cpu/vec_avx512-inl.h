// The 16-lane vector as one AVX-512 register (F, BW, DQ, VL). See vec_generic-inl.h for what each name does.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/cpu/scalar-inl.h"

namespace {

struct VF { __m512 v; };
struct VI { __m512i v; };
struct VB { __m512i v; };

inline VF vf_load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void vf_store(float* p, VF x) { _mm512_storeu_ps(p, x.v); }
inline VF vf_set(float x) { return {_mm512_set1_ps(x)}; }
inline VF vf_zero() { return {_mm512_setzero_ps()}; }
inline VF vf_add(VF x, VF y) { return {_mm512_add_ps(x.v, y.v)}; }
inline VF vf_sub(VF x, VF y) { return {_mm512_sub_ps(x.v, y.v)}; }
inline VF vf_mul(VF x, VF y) { return {_mm512_mul_ps(x.v, y.v)}; }
inline VF vf_div(VF x, VF y) { return {_mm512_div_ps(x.v, y.v)}; }
inline VF vf_fma(VF x, VF y, VF z) { return {_mm512_fmadd_ps(x.v, y.v, z.v)}; }
inline VF vf_sqrt(VF x) { return {_mm512_sqrt_ps(x.v)}; }
inline VF vf_max(VF x, VF y) { return {_mm512_max_ps(x.v, y.v)}; }
inline VF vf_min(VF x, VF y) { return {_mm512_min_ps(x.v, y.v)}; }
inline VF vf_abs(VF x) { return {_mm512_abs_ps(x.v)}; }
inline VF vf_neg(VF x) { return {_mm512_xor_ps(x.v, _mm512_set1_ps(-0.0f))}; }
inline VF vf_select_lt(VF x, VF y, VF yes, VF no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.v, y.v, _CMP_LT_OQ), no.v, yes.v)};
}
inline __mmask16 first_lanes(int n) { return static_cast<__mmask16>(n >= 16 ? 0xffffu : n <= 0 ? 0u : (1u << n) - 1u); }
inline VF vf_keep(VF x, int from, int to, float other) {
  const auto keep = static_cast<__mmask16>(first_lanes(to) & ~first_lanes(from));
  return {_mm512_mask_blend_ps(keep, _mm512_set1_ps(other), x.v)};
}

inline VF vf_load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline void vf_store_f16(uint16_t* p, VF x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
}
inline VF vf_load_bf16(const uint16_t* p) {
  return {_mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16))};
}
inline __m128i load16(const void* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline VI vi_load_u8(const uint8_t* p) { return {_mm512_cvtepu8_epi32(load16(p))}; }
inline VI vi_load_i8(const int8_t* p) { return {_mm512_cvtepi8_epi32(load16(p))}; }
inline VF vf_from_vi(VI x) { return {_mm512_cvtepi32_ps(x.v)}; }
inline VF vf_load_i8(const int8_t* p) { return vf_from_vi(vi_load_i8(p)); }
inline VF vf_load_u8(const uint8_t* p) { return vf_from_vi(vi_load_u8(p)); }
inline VF vf_load_n(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
inline void vf_store_n(float* p, VF x, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), x.v); }

inline float vf_sum(VF x) {
  const __m256 h8 = _mm256_add_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_add_ss(h2, _mm_movehdup_ps(h2)));
}
inline float vf_max_lane(VF x) {
  const __m256 h8 = _mm256_max_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  const __m128 h4 = _mm_max_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_max_ss(h2, _mm_movehdup_ps(h2)));
}

template <typename Op>
inline VF vf_fold_each(const VF* v, Op op) {
  // [x₀₂ y₀₂ x₁₃ y₁₃] in each quarter, then [x y z w]: one value a vector and quarter; then the quarters.
  const auto two = [&](__m512 x, __m512 y) {
    return op(VF{_mm512_unpacklo_ps(x, y)}, VF{_mm512_unpackhi_ps(x, y)}).v;
  };
  const auto four = [&](const VF* from) {
    const __m512 xy = two(from[0].v, from[1].v), zw = two(from[2].v, from[3].v);
    return op(VF{_mm512_shuffle_ps(xy, zw, 0x44)}, VF{_mm512_shuffle_ps(xy, zw, 0xEE)}).v;
  };
  const auto halves = [&](__m512 x, __m512 y) {
    return op(VF{_mm512_shuffle_f32x4(x, y, 0x88)}, VF{_mm512_shuffle_f32x4(x, y, 0xDD)}).v;
  };
  return {halves(halves(four(v), four(v + 4)), halves(four(v + 8), four(v + 12)))};
}

inline VI vi_load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
inline void vi_store(int32_t* p, VI x) { _mm512_storeu_si512(p, x.v); }
inline VI vi_set(int32_t x) { return {_mm512_set1_epi32(x)}; }
inline VI vi_add(VI x, VI y) { return {_mm512_add_epi32(x.v, y.v)}; }
inline VI vi_sub(VI x, VI y) { return {_mm512_sub_epi32(x.v, y.v)}; }
inline VI vi_mul(VI x, VI y) { return {_mm512_mullo_epi32(x.v, y.v)}; }
inline VI vi_shl(VI x, int n) { return {_mm512_slli_epi32(x.v, static_cast<unsigned>(n))}; }
inline VI vi_round(VF x) { return {_mm512_cvtps_epi32(x.v)}; }
inline VF vf_bits(VI x) { return {_mm512_castsi512_ps(x.v)}; }
inline VI vi_bits(VF x) { return {_mm512_castps_si512(x.v)}; }
inline void vi_store_i8(int8_t* p, VI x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(x.v));
}

inline VB vb_load(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
inline void vb_store(uint8_t* p, VB x) { _mm512_storeu_si512(p, x.v); }

inline VB vb_set(uint8_t x) { return {_mm512_set1_epi8(static_cast<char>(x))}; }
inline VB vb_and(VB x, VB y) { return {_mm512_and_si512(x.v, y.v)}; }
inline VB vb_or(VB x, VB y) { return {_mm512_or_si512(x.v, y.v)}; }
inline VB vb_sub(VB x, VB y) { return {_mm512_sub_epi8(x.v, y.v)}; }
template <int N> inline VB vb_srl(VB x) { return {_mm512_srli_epi16(x.v, N)}; }
template <int N> inline VB vb_shl(VB x) { return {_mm512_slli_epi16(x.v, N)}; }
inline VB vb_lookup(const uint8_t* table, VB x) {
  const __m512i t = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm512_shuffle_epi8(t, x.v)};
}

}  // namespace
