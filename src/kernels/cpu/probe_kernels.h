// Loops that show what the processor can do at most with one instruction set. Raw pointers only: the table is filled in
// ISA objects.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mang::cpu {

struct ProbeKernels {
  // Reads all bytes (a multiple of 4096, 64-byte aligned) and returns something made of them.
  uint64_t (*read)(const std::byte* data, int64_t bytes);
  // float32 multiply-adds that wait for nothing but each other's pipelines: rounds · fma_per_round of them.
  float (*fma)(int64_t rounds, float x);
  int64_t fma_per_round;
  // The same with the int8 products that the matmul kernels of this instruction set use.
  int32_t (*dot)(int64_t rounds, int8_t x);
  int64_t dot_per_round;  // int8 multiply-adds
};

extern const ProbeKernels kProbeGeneric;
extern const ProbeKernels kProbeAvx2;
extern const ProbeKernels kProbeAvxVnni;
extern const ProbeKernels kProbeAvx512;
extern const ProbeKernels kProbeAmx;

}  // namespace mang::cpu
