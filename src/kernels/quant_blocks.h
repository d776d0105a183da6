// One stored block of 32 weights, read plainly: unsigned codes and the scales as float. The reference
// matmul starts here; tests hold it to reference/dequantize.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/packed_layout.h"
#include "kernels/stored_scales.h"

namespace mang {

struct QuantBlock {
  uint8_t codes[kBlock];  // u of docs/arithmetic.md
  float ws[2];            // scale of each half; equal where the type has one scale for 32. Exact products.
  float wm[2];            // minimum, added: 0 where the type has none; equal where it has one for 32
  StoredScales stored;
};

// Block `block` (32 elements) of a stored row of a quantized type.
void read_quant_block(DType dtype, const std::byte* row, int64_t block, QuantBlock& out);

// The scales a type's stored bytes stand for: the one place that says what d, m, sc and mn mean.
void quant_scales(DType dtype, QuantBlock& block);

}  // namespace mang
