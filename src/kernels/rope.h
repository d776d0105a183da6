// Rotary position embedding (Su et al. 2021, arXiv 2104.09864), "half" layout: element i pairs with i + rotary_dim/2.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/device.h"

namespace mang {

// The angles' tables: cos and sin of position · inverse_frequency[i], made once for each position that comes up.
// The angle is float(position) · inverse_frequency (one float32 rounding, as the publishers' code has it); its cosine
// and sine are computed in double, rounded once and multiplied by attention_factor (YaRN) in float32.
class RopeTable {
 public:
  // inverse_frequency: [rotary_dim / 2], scaling already applied.
  RopeTable(std::vector<float> inverse_frequency, float attention_factor);

  [[nodiscard]] int64_t rotary_dim() const { return static_cast<int64_t>(inverse_frequency_.size()) * 2; }
  // Makes sure positions [0, count) are there. Not thread-safe; call before a forward.
  void reserve(int64_t count);
  // cos then sin of a position: 2 · rotary_dim/2 floats.
  [[nodiscard]] const float* at(int64_t position) const { return table_.data() + position * rotary_dim(); }

 private:
  std::vector<float> inverse_frequency_;
  float attention_factor_;
  int64_t positions_ = 0;
  std::vector<float> table_;
};

// Rotates in place: x[i]' = x[i]·cos − x[i+h]·sin, x[i+h]' = x[i+h]·cos + x[i]·sin, each as fma(a, b, c·d) with the
// product c·d rounded first; h = rotary_dim/2; elements from rotary_dim to head_dim stay.
//   x: [M, heads, head_dim] rows ldx apart; positions: [M].
void rope(const Device& device, const RopeTable& table, const int64_t* positions, int64_t M, int64_t heads,
          int64_t head_dim, float* x, int64_t ldx);

}  // namespace mang
