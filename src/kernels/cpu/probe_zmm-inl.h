// float32 multiply-adds with 64-byte registers. Include after vec_avx512-inl.h and probe-inl.h.
#pragma once

#include <immintrin.h>

namespace {

inline float fma_rounds(int64_t rounds, float x) {
  __m512 sums[kChains];
  const __m512 factor = _mm512_set1_ps(x);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) sums[c] = factor;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = _mm512_fmadd_ps(factor, factor, sums[c]);
      MANG_OPAQUE("v", sums[c]);
    }
  }
#pragma GCC unroll 12
  for (int c = 1; c < kChains; ++c) sums[0] = _mm512_add_ps(sums[0], sums[c]);
  return _mm512_cvtss_f32(sums[0]);
}

constexpr int64_t kFmaPerRound = kChains * 16;

}  // namespace
