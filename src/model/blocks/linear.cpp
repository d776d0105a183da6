#include "model/blocks/linear.h"

#include "base/check.h"
#include "kernels/elementwise.h"

namespace mang {

void linear(Step& step, const float* x, int64_t in, std::span<const Output> outputs, Arithmetic default_arithmetic) {
  Product products[4];
  MANG_CHECK(outputs.size() <= std::size(products));
  for (size_t i = 0; i < outputs.size(); ++i) {
    products[i] = {&outputs[i].layer->weight, outputs[i].y, outputs[i].layer->weight.rows()};
  }
  const Arithmetic arithmetic = step.arithmetic() == Arithmetic::exact ? Arithmetic::exact : default_arithmetic;
  matmul(step.device(), arithmetic, x, in, step.tokens(), in, std::span(products, outputs.size()));
  for (const Output& output : outputs) {
    const int64_t rows = output.layer->weight.rows();
    if (!output.layer->bias.empty()) {
      add_bias(step.device(), output.y, rows, output.layer->bias.data(), step.tokens(), rows);
    }
  }
}

}  // namespace mang
