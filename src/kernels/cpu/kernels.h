// The kernels of one instruction set, as tables of functions. Each family of operations has a table of its own and an
// object file for each instruction set (flags in CMakeLists.txt); dispatch.cpp puts them together.
#pragma once

#include "kernels/isa.h"

namespace mang::cpu {

struct ElementwiseKernels;  // kernels/cpu/elementwise_kernels.h
struct AttentionKernels;    // kernels/cpu/attention_kernels.h
struct MatmulKernels;       // kernels/cpu/matmul_kernels.h
struct ProbeKernels;        // kernels/cpu/probe_kernels.h

struct Kernels {
  const ElementwiseKernels* elementwise;  // generic, avx2 (also avxvnni), avx512 (also amx)
  const AttentionKernels* attention;      // likewise
  const MatmulKernels* matmul;            // generic, avx2, avxvnni, avx512, amx
  const ProbeKernels* probe;              // likewise
};

const Kernels& kernels_of(Isa isa);

}  // namespace mang::cpu
