// y = x · Wᵀ + b for several layers that read the same x.
#pragma once

#include <span>

#include "model/blocks/step.h"
#include "model/weights.h"

namespace mang {

struct Output {
  const Linear* layer = nullptr;
  float* y = nullptr;  // [M, rows of the layer], contiguous
};

// x: [M, in], contiguous. One call quantizes x once for all outputs (at most 4). Outside exact arithmetic x is read as
// default_arithmetic says: quantized, or refined where the result is worth twice the multiplications.
void linear(Step& step, const float* x, int64_t in, std::span<const Output> outputs,
            Arithmetic default_arithmetic = Arithmetic::quantized);

}  // namespace mang
