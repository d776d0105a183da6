#include "kernels/cpu/probe_kernels.h"
#include "kernels/cpu/vec_avx2-inl.h"
// after the vector:
#include "kernels/cpu/probe-inl.h"
// after both:
#include "kernels/cpu/probe_ymm-inl.h"

namespace {
inline __m256i dot_step(__m256i sum, __m256i a, __m256i b) {
  // As the matmul kernels do without VNNI: pairs in 16 bits, pairs of pairs in 32, added up.
  const __m256i pairs = _mm256_maddubs_epi16(a, b);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
}  // namespace

namespace mang::cpu {
const ProbeKernels kProbeAvx2 = {read_all, fma_rounds, kFmaPerRound, dot_rounds, kDotPerRound};
}
