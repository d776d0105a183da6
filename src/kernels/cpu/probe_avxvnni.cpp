#include "kernels/cpu/probe_kernels.h"
#include "kernels/cpu/vec_avx2-inl.h"
// after the vector:
#include "kernels/cpu/probe-inl.h"
// after both:
#include "kernels/cpu/probe_ymm-inl.h"

namespace {
inline __m256i dot_step(__m256i sum, __m256i a, __m256i b) {
  return _mm256_dpbusd_avx_epi32(sum, a, b);
}
}  // namespace

namespace mang::cpu {
const ProbeKernels kProbeAvxVnni = {read_all, fma_rounds, kFmaPerRound, dot_rounds, kDotPerRound};
}
