#include "kernels/cpu/attention_kernels.h"
#include "kernels/cpu/vec_avx2-inl.h"
// after the vector:
#include "kernels/cpu/math-inl.h"

namespace {
constexpr int kBlockRows = 6;
constexpr int columns(int rows) { return rows == 1 ? 4 : rows <= 3 ? 2 : 1; }
inline VF exp_of_score(VF x) { return vf_exp_of_negative(x); }
}  // namespace

// after all of these:
#include "kernels/cpu/attention-inl.h"

namespace mang::cpu {
const AttentionKernels kAttentionAvx2 = MANG_ATTENTION_TABLE;
}
