#include "kernels/cpu/vec_avx2-inl.h"

#include "kernels/cpu/dot_avx2-inl.h"
#include "kernels/cpu/matmul_float-inl.h"
#include "kernels/cpu/quantize_row-inl.h"
#include "kernels/cpu/matmul_table-inl.h"

namespace mang::cpu {

const MatmulKernels kMatmulAvx2 = matmul_table();

}  // namespace mang::cpu
