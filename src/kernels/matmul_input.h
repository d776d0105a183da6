// The input of a product, quantized once for all products that share it and laid out in groups of tokens for the
// kernels (cpu/matmul_kernels.h, InputGroup).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/matmul_kernels.h"
#include "kernels/device.h"
#include "kernels/matmul.h"

namespace mang {

// Fewer tokens are prepared by the calling thread alone: waking the pool would cost more than the work.
inline constexpr int64_t kInlineTokens = 4;

// How a product reads x. Products that agree share the quantized copy.
struct InputKind {
  bool quantized = false;
  int input_block = 0;
  int offset = 0;
  int mins = 0;

  bool operator==(const InputKind&) const = default;
  [[nodiscard]] bool same_codes(const InputKind& o) const {
    return quantized == o.quantized && input_block == o.input_block;
  }
};

InputKind input_kind(const PackedMatrix& w, Arithmetic arithmetic);
// The kind of w among `kinds`, unless it is there.
void add_input_kind(const PackedMatrix& w, Arithmetic arithmetic, std::vector<InputKind>& kinds);

// x once for every kind of product: int8 codes for each block size, and what each kind derives from them. Lives in the
// device's scratch memory until the next product.
class PreparedInput {
 public:
  // x: [M, K], rows ldx apart. kinds must outlive this. refined: beside each row its rest, what the quantized row
  // leaves over, quantized in turn; the kernels add the two products. All kinds have one block size then.
  PreparedInput(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                const std::vector<InputKind>& kinds, bool refined);

  // Tokens that different weights multiply: token i is row source[i] of x; the first parts[0] tokens are one part, the
  // next parts[1] another, and no group holds tokens of two. `source` must outlive the constructor only.
  PreparedInput(const Device& device, const float* x, int64_t ldx, std::span<const int32_t> source,
                std::span<const int64_t> parts, int64_t K, const std::vector<InputKind>& kinds);

  [[nodiscard]] int first_group(size_t part) const { return first_of_part_[part]; }  // part ≤ number of parts

  [[nodiscard]] int64_t tokens() const { return tokens_; }  // rests count
  [[nodiscard]] int group_count() const { return static_cast<int>(sizes_.size()); }
  // The groups of a kind with the destination of a product filled in.
  [[nodiscard]] std::vector<cpu::InputGroup> groups(const InputKind& kind, float* y, int64_t ldy) const;

 private:
  class Arena;
  struct RowBuffers;

  PreparedInput(const Device& device, const float* x, int64_t ldx, const int32_t* source, std::vector<int> sizes,
                int64_t M, int64_t K, const std::vector<InputKind>& kinds, bool refined);

  // The first kind whose codes kind k uses; k itself where it makes its own.
  [[nodiscard]] size_t owner_of_codes(size_t k) const;
  void lay_out(Arena& arena);
  [[nodiscard]] RowBuffers row_buffers(int thread) const;
  void prepare_group(size_t g, int thread) const;
  void put(const float* values, size_t group, int slot, const RowBuffers& buffers) const;
  void put_codes(const cpu::InputGroup& group, int slot, const RowBuffers& from, int64_t blocks) const;
  void derive(const InputKind& kind, const cpu::InputGroup& group, int slot, const RowBuffers& from) const;

  const Device& device_;
  const cpu::MatmulKernels& kernels_;
  const float* x_;
  int64_t ldx_;
  const int32_t* source_;  // of each token, its row of x; null: as they stand
  int64_t K_;
  const std::vector<InputKind>& kinds_;
  std::vector<int> sizes_;  // tokens of each group
  std::vector<int> first_of_part_;
  bool refined_;
  int64_t tokens_;
  std::vector<int64_t> first_row_;                      // of each group, in x and y
  std::vector<std::vector<cpu::InputGroup>> per_kind_;  // [kind][group]
};

}  // namespace mang
