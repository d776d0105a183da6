// Products of tokens that stand in parts, each part with matrices of its own: what experts.cpp and gated.cpp share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include "kernels/matmul_input.h"
#include "kernels/multiply_tiles.h"
#include "kernels/packed_layout.h"

namespace mang {

// Some tiles of rows.
struct Tiles {
  int64_t first = 0;
  int count = 0;

  [[nodiscard]] int64_t row() const { return first * kTileRows; }
};

// Products of one part's tokens with tiles of a matrix. What is given must outlive it.
class PartProduct {
 public:
  PartProduct(const Device& device, const PreparedInput& input, const InputKind& kind)
      : device_(device), input_(input), groups_(input.groups(kind, nullptr, 0)) {}

  // y[token, row − first row of the tiles], rows of y ldy apart.
  void multiply(int thread, const PackedMatrix& w, Tiles tiles, size_t part, int64_t tokens, float* y,
                int64_t ldy) const {
    const auto first = static_cast<size_t>(input_.first_group(part));
    const auto count = static_cast<size_t>(input_.first_group(part + 1)) - first;
    multiply_tiles(device_, thread, w, tiles.first, tiles.count, std::span(groups_).subspan(first, count),
                   is_direct(tokens), [&](cpu::InputGroup& group) {
                     group.y = y;
                     group.ldy = ldy;
                     y += group.tokens * ldy;
                   });
  }

  [[nodiscard]] bool is_direct(int64_t tokens) const { return tokens <= device_.kernels().matmul->direct_most; }

 private:
  const Device& device_;
  const PreparedInput& input_;
  std::vector<cpu::InputGroup> groups_;
};

inline std::vector<InputKind> kinds_of(std::initializer_list<const PackedMatrix*> matrices, Arithmetic arithmetic) {
  std::vector<InputKind> kinds;
  for (const PackedMatrix* w : matrices) add_input_kind(*w, arithmetic, kinds);
  return kinds;
}

}  // namespace mang
