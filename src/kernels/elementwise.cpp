#include "kernels/elementwise.h"

#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/op_trace.h"
#include "kernels/split.h"

namespace mang {

void add(const Device& device, float* x, const float* y, int64_t M, int64_t D) {
  const OpScope scope(device, "add");
  const auto kernel = device.kernels().elementwise->add;
  for_ranges(device, M, D,
             [&](int64_t m, int64_t begin, int64_t end) { kernel(x + m * D + begin, y + m * D + begin, end - begin); });
}

void add_bias(const Device& device, float* x, int64_t ldx, const float* bias, int64_t M, int64_t D) {
  const OpScope scope(device, "add bias");
  const auto kernel = device.kernels().elementwise->add;
  for_ranges(device, M, D,
             [&](int64_t m, int64_t begin, int64_t end) { kernel(x + m * ldx + begin, bias + begin, end - begin); });
}

void scale(const Device& device, float* x, float factor, int64_t M, int64_t D) {
  const OpScope scope(device, "scale");
  const auto kernel = device.kernels().elementwise->scale;
  for_ranges(device, M, D,
             [&](int64_t m, int64_t begin, int64_t end) { kernel(x + m * D + begin, factor, end - begin); });
}

void soft_cap(const Device& device, float* x, float cap, int64_t M, int64_t D) {
  const OpScope scope(device, "soft cap");
  const auto kernel = device.kernels().elementwise->soft_cap;
  for_ranges(device, M, D, [&](int64_t m, int64_t begin, int64_t end) { kernel(x + m * D + begin, cap, end - begin); });
}

void exp_row(const Device& device, float* x, int64_t n) { device.kernels().elementwise->exp(x, n); }

}  // namespace mang
