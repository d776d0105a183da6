#include "kernels/cpu/attention_kernels.h"
#include "kernels/cpu/vec_avx512-inl.h"
// after the vector:
#include "kernels/cpu/math-inl.h"

namespace {
constexpr int kBlockRows = 8;
constexpr int columns(int rows) { return rows <= 6 ? 4 : 2; }

// vf_exp_of_negative in fewer instructions: 2^n is put on, and what lies under the low bound zeroed, in one.
inline VF exp_of_score(VF x) {
  const Reduced reduced = reduce_exp(x);
  const __mmask16 keep = _mm512_cmp_ps_mask(x.v, _mm512_set1_ps(kExpLow), _CMP_NLT_UQ);  // NaN is kept
  return {_mm512_maskz_scalef_ps(keep, exp_polynomial(reduced.r).v, reduced.n.v)};
}
}  // namespace

// after all of these:
#include "kernels/cpu/attention-inl.h"

namespace mang::cpu {
const AttentionKernels kAttentionAvx512 = MANG_ATTENTION_TABLE;
}
