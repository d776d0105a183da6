// float32 multiply-adds with 32-byte registers. Include after vec_avx2-inl.h and probe-inl.h.
#pragma once

#include <immintrin.h>

namespace {

inline float fma_rounds(int64_t rounds, float x) {
  __m256 sums[kChains];
  const __m256 factor = _mm256_set1_ps(x);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) sums[c] = factor;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = _mm256_fmadd_ps(factor, factor, sums[c]);
      MANG_OPAQUE("x", sums[c]);
    }
  }
#pragma GCC unroll 12
  for (int c = 1; c < kChains; ++c) sums[0] = _mm256_add_ps(sums[0], sums[c]);
  return _mm256_cvtss_f32(sums[0]);
}

// One step of int8 products into a chain; defined by each instruction set.
inline __m256i dot_step(__m256i sum, __m256i a, __m256i b);

inline int32_t dot_rounds(int64_t rounds, int8_t x) {
  __m256i sums[kChains];
  __m256i a = _mm256_set1_epi8(x);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) sums[c] = a;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = dot_step(sums[c], a, a);
      MANG_OPAQUE("x", sums[c]);
    }
    MANG_OPAQUE("x", a);
  }
#pragma GCC unroll 12
  for (int c = 1; c < kChains; ++c) sums[0] = _mm256_add_epi32(sums[0], sums[c]);
  return _mm256_cvtsi256_si32(sums[0]);
}

constexpr int64_t kFmaPerRound = kChains * 8;
constexpr int64_t kDotPerRound = kChains * 32;

}  // namespace
