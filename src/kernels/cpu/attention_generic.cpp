#include "kernels/cpu/attention_kernels.h"
#include "kernels/cpu/vec_generic-inl.h"
// after the vector:
#include "kernels/cpu/math-inl.h"

namespace {
constexpr int kBlockRows = 4;
constexpr int columns(int rows) { return rows > 0 ? 1 : 0; }
inline VF exp_of_score(VF x) { return vf_exp_of_negative(x); }
}  // namespace

// after all of these:
#include "kernels/cpu/attention-inl.h"

namespace mang::cpu {
const AttentionKernels kAttentionGeneric = MANG_ATTENTION_TABLE;
}
