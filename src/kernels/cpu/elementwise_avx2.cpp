#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/vec_avx2-inl.h"
// after the vector:
#include "kernels/cpu/math-inl.h"
// after both:
#include "kernels/cpu/elementwise-inl.h"

namespace mang::cpu {
const ElementwiseKernels kElementwiseAvx2 = MANG_ELEMENTWISE_TABLE;
}
