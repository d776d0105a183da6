#include "kernels/cpu/probe_kernels.h"
#include "kernels/cpu/vec_generic-inl.h"
// after the vector:
#include "kernels/cpu/probe-inl.h"

namespace {

// Plain C++ has no fused multiply-add of its own speed: a product and a sum stand for one.
float fma_rounds(int64_t rounds, float x) {
  VF sums[2] = {vf_set(x), vf_set(x)};
  const VF factor = vf_set(x);
  for (int64_t i = 0; i < rounds; ++i) {
    for (VF& sum : sums) sum = vf_add(vf_mul(sum, factor), factor);
    __asm__ volatile("" ::: "memory");
  }
  return vf_sum(vf_add(sums[0], sums[1]));
}

int32_t dot_rounds(int64_t rounds, int8_t x) {
  int8_t a[256];
  int8_t b[256];
  std::memset(a, x, sizeof a);
  std::memset(b, x, sizeof b);
  int32_t sum = 0;
  for (int64_t i = 0; i < rounds; ++i) {
    for (int j = 0; j < 256; ++j) sum += static_cast<int16_t>(a[j]) * static_cast<int16_t>(b[j]);
    __asm__ volatile("" ::"r"(a), "r"(b) : "memory");
  }
  return sum;
}

}  // namespace

namespace mang::cpu {
const ProbeKernels kProbeGeneric = {read_all, fma_rounds, 32, dot_rounds, 256};
}
