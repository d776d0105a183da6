// The table of an instruction set without tiles.
#pragma once

namespace {

constexpr mang::cpu::MatmulKernels matmul_table() {
  return {kMaxGroup, 0, 0, 0, kDotBias, quantize_row, residual_row, kDirectGroup, kDirectMost, direct, gemm, gemm_float};
}

}  // namespace
