#include "kernels/cpu/probe_kernels.h"
#include "kernels/cpu/vec_avx512-inl.h"
// after the vector:
#include "kernels/cpu/probe-inl.h"
// after both:
#include "kernels/cpu/probe_zmm-inl.h"

namespace {

int32_t dot_rounds(int64_t rounds, int8_t x) {
  __m512i sums[kChains];
  __m512i a = _mm512_set1_epi8(x);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) sums[c] = a;
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = _mm512_dpbusd_epi32(sums[c], a, a);
      MANG_OPAQUE("v", sums[c]);
    }
    MANG_OPAQUE("v", a);
  }
#pragma GCC unroll 12
  for (int c = 1; c < kChains; ++c) sums[0] = _mm512_add_epi32(sums[0], sums[c]);
  return _mm512_cvtsi512_si32(sums[0]);
}

}  // namespace

namespace mang::cpu {
const ProbeKernels kProbeAvx512 = {read_all, fma_rounds, kFmaPerRound, dot_rounds, kChains * 64};
}
