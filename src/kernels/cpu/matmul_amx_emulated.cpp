#include "kernels/cpu/vec_generic-inl.h"

#include "kernels/cpu/dot_generic-inl.h"
#include "kernels/cpu/matmul_float-inl.h"
#include "kernels/cpu/tiles_emulated-inl.h"
#include "kernels/cpu/matmul_tiles-inl.h"

namespace mang::cpu {

const MatmulKernels kMatmulAmxEmulated = {
    kMaxGroup, kWideGroup, 16, 16, kDotBias, quantize_row, residual_row, kDirectGroup, kDirectMost, direct, gemm_by_width, gemm_float};

}  // namespace mang::cpu
