// The definition of matmul, in plain loops over stored (not packed) weights. Never deleted; every fast path is held to
// its bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/matmul.h"

namespace mang::reference {

// y[m, r] = Σ_k x[m, k] · w[r, k] for `rows` stored rows of `cols` elements; docs/arithmetic.md gives the order of every
// rounding. x: [M, cols] contiguous; y: [M, rows] contiguous.
void matmul(Arithmetic arithmetic, DType dtype, const std::byte* stored, int64_t rows, int64_t cols, const float* x,
            int64_t M, float* y);

// A block of x as int8: d = max|x| / 127, q = round to nearest even of x · (127 / max|x|); all zero when max|x| is below
// kSmallestInput. n: 16 or 32; x finite (a row with an infinity or NaN has the scale NaN in all its blocks).
void quantize_block(const float* x, int n, int8_t* q, float& d);

inline constexpr float kSmallestInput = 1e-30f;

}  // namespace mang::reference
