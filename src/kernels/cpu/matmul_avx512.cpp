#include "kernels/cpu/vec_avx512-inl.h"

#include "kernels/cpu/dot_avx512-inl.h"
#include "kernels/cpu/matmul_float-inl.h"
#include "kernels/cpu/quantize_row-inl.h"
#include "kernels/cpu/matmul_table-inl.h"

namespace mang::cpu {

const MatmulKernels kMatmulAvx512 = matmul_table();

}  // namespace mang::cpu
