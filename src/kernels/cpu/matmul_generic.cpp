#include "kernels/cpu/vec_generic-inl.h"

#include "kernels/cpu/dot_generic-inl.h"
#include "kernels/cpu/matmul_float-inl.h"
#include "kernels/cpu/quantize_row-inl.h"
#include "kernels/cpu/matmul_table-inl.h"

namespace mang::cpu {

const MatmulKernels kMatmulGeneric = matmul_table();

}  // namespace mang::cpu
