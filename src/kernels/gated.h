// The first half of a gated feed-forward (Shazeer 2020, arXiv 2002.05202): two products of one input and their gate, in
// one pass. What the second product gives never leaves the cache of the thread that multiplies with it. The parts are
// matmul.h's product and elementwise.h's bias and gate, with their bits.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/elementwise.h"
#include "kernels/matmul.h"

namespace mang {

struct GatedMatrices {
  const PackedMatrix* gate = nullptr;  // [F, D]
  const PackedMatrix* up = nullptr;    // [F, D]
  const float* gate_bias = nullptr;    // [F]; null: none
  const float* up_bias = nullptr;      // [F]; null: none
};

// y[m] = f(gate(x[m])) · up(x[m]).   x: [M, D], y: [M, F], contiguous. Quantized or exact arithmetic.
void gated_matmul(const Device& device, Arithmetic arithmetic, GateFunction f, const GatedMatrices& w, const float* x,
                  int64_t M, float* y);

// Rows [first, first + tokens) of y, which other matrices give than the rest.
struct GatedPart {
  GatedMatrices w;
  int64_t first = 0;
  int64_t tokens = 0;
};

// The same with several parts, one after the other; at least one. Their matrices have the same types and shapes. Row i
// of y is of token source[i].
void gated_parts(const Device& device, Arithmetic arithmetic, GateFunction f, std::span<const GatedPart> parts,
                 std::span<const int32_t> source, const float* x, float* y);

}  // namespace mang
