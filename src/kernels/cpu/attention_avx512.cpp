#include "kernels/cpu/attention_kernels.h"
#include "kernels/cpu/vec_avx512-inl.h"
// after the vector:
#include "kernels/cpu/math-inl.h"

namespace {
constexpr int kBlockRows = 8;
constexpr int columns(int rows) { return rows <= 6 ? 4 : 2; }
}  // namespace

// after all of these:
#include "kernels/cpu/attention-inl.h"

namespace mang::cpu {
const AttentionKernels kAttentionAvx512 = MANG_ATTENTION_TABLE;
}
