// What the stored bytes of each type mean: a row of any type as float32. The plain definition, one function a type;
// everything faster is tested against it. Formats: tensor/block_formats.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace mang::reference {

// stored: row_bytes(dtype, n) bytes, any alignment; n: a multiple of the type's block; out: [n].
// Each product and sum is rounded to float32 on its own, in the order the formats' publisher has it:
// (d · scale) · q − (dmin · minimum).
void dequantize_row(DType dtype, const std::byte* stored, int64_t n, float* out);

}  // namespace mang::reference
