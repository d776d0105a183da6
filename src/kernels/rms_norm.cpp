#include "kernels/rms_norm.h"

#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/op_trace.h"
#include "kernels/split.h"

namespace mang {

void rms_norm(const Device& device, const float* x, int64_t ldx, const float* weight, float epsilon, int64_t M,
              int64_t D, float* y, int64_t ldy) {
  const OpScope scope(device, "norm");
  const auto kernel = device.kernels().elementwise->rms_norm;
  for_rows(device, M, D, [&](int64_t m) { kernel(x + m * ldx, weight, epsilon, D, y + m * ldy); });
}

}  // namespace mang
