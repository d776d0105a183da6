#include "kernels/rope.h"

#include "base/check.h"
#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/math.h"
#include "kernels/op_trace.h"
#include "kernels/split.h"

namespace mang {

RopeTable::RopeTable(std::vector<float> inverse_frequency, float attention_factor)
    : inverse_frequency_(std::move(inverse_frequency)), attention_factor_(attention_factor) {}

void RopeTable::reserve(int64_t count) {
  if (count <= positions_) return;
  table_.resize(static_cast<size_t>(count * rotary_dim()));
  const int64_t half = rotary_dim() / 2;
  for (int64_t p = positions_; p < count; ++p) {
    float* row = table_.data() + p * rotary_dim();
    for (int64_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(p) * inverse_frequency_[static_cast<size_t>(i)];
      row[i] = static_cast<float>(cos_f64(angle)) * attention_factor_;
      row[half + i] = static_cast<float>(sin_f64(angle)) * attention_factor_;
    }
  }
  positions_ = count;
}

void rope(const Device& device, const RopeTable& table, const int64_t* positions, int64_t M, int64_t heads,
          int64_t head_dim, float* x, int64_t ldx) {
  MANG_CHECK(table.rotary_dim() <= head_dim);
  const int64_t half = table.rotary_dim() / 2;
  const OpScope scope(device, "rotary embedding");
  const auto kernel = device.kernels().elementwise->rope;
  for_rows(device, M, heads * head_dim, [&](int64_t m) {
    const float* row = table.at(positions[m]);
    kernel(row, row + half, half, heads, head_dim, x + m * ldx);
  });
}

}  // namespace mang
