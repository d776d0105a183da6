#include "kernels/cpu/vec_avx512-inl.h"

#include "kernels/cpu/dot_avx512-inl.h"
#include "kernels/cpu/matmul_float-inl.h"
#include "kernels/cpu/tiles_amx-inl.h"
#include "kernels/cpu/matmul_tiles-inl.h"

namespace mang::cpu {

const MatmulKernels kMatmulAmx = {
    kMaxGroup, kWideGroup, 32, 96, kDotBias, quantize_row, residual_row, kDirectGroup, kDirectMost, direct, gemm_by_width, gemm_float};

}  // namespace mang::cpu
