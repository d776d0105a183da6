// The table of an instruction set without tiles.
#pragma once

namespace {

void quantize_row(const float* x, int64_t K, int input_block, int group, int slot, int8_t* q, float* d, int32_t* sums) {
  quantize_row_impl(x, K, input_block, group, slot, false, q, d, sums);
}

constexpr mang::cpu::MatmulKernels matmul_table() {
  return {kMaxGroup, 0, 0, kDotBias, quantize_row, residual_row, kDirectTokens, direct, gemm, gemm_float};
}

}  // namespace
