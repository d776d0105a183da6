// y = x · Wᵀ for every weight type. The arithmetic (activation blocks, exact integers, float order) is
// docs/arithmetic.md; the plain definition is kernels/reference/matmul.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernels/device.h"
#include "kernels/weight_arena.h"
#include "tensor/dtype.h"

namespace mang {

// Rows interleaved in tiles of 16 (a lane is an output row); one layout serves 1, few and many tokens. Not a view:
// holds on to its memory. Rows are padded to a multiple of 16 with zeros.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // rows × cols of dtype; cols must be a multiple of the type's block. Memory is allocated, not filled.
  // Matrices of one model come from one arena; without one the matrix has memory of its own. allocated() is false where
  // the system gave none.
  static PackedMatrix allocate(DType dtype, int64_t rows, int64_t cols, WeightArena& arena);
  static PackedMatrix allocate(DType dtype, int64_t rows, int64_t cols);

  [[nodiscard]] bool allocated() const { return data_ != nullptr; }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] int64_t rows() const { return rows_; }   // output features, without padding
  [[nodiscard]] int64_t cols() const { return cols_; }   // input features
  [[nodiscard]] int64_t tiles() const { return (rows_ + 15) / 16; }
  [[nodiscard]] int64_t tile_bytes() const { return tile_bytes_; }
  [[nodiscard]] const std::byte* tile(int64_t i) const { return data_.get() + i * tile_bytes_; }
  [[nodiscard]] std::byte* tile(int64_t i) { return data_.get() + i * tile_bytes_; }
  [[nodiscard]] int64_t bytes() const { return tiles() * tile_bytes_; }

 private:
  DType dtype_ = DType::F32;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  int64_t tile_bytes_ = 0;
  std::shared_ptr<std::byte[]> data_;
};

// Fills rows [first_row, first_row + count) of `to` from `count` stored rows (GGUF block layout, row-major). Row r of the
// source goes to row first_row + order[r] if order is given, else first_row + r. Threads split rows; first_row must be a
// multiple of 16. False: a weight or scale is not a finite number, or a scale is 2^100 or more: the tensor must be refused.
[[nodiscard]] bool pack_rows(const Device& device, std::span<const std::byte> stored, int64_t count, int64_t first_row,
               std::span<const int32_t> order, PackedMatrix& to);

// Row r as float32 [cols] (the token embedding's look-up).
void unpack_row(const PackedMatrix& w, int64_t row, float* out);

// How x is read: `quantized`: int8 blocks for quantized weight types, float32 for float types (the default arithmetic);
// `refined`: x as the sum of two such int8 rows, x ≈ q₁ + q₂ with q₂ what q₁ leaves over, products added: for the head,
// where a third of the drift came from and where memory, not multiplying, is the limit;
// `exact`: float32 activations on dequantized weights.
enum class Arithmetic { quantized, refined, exact };

// One product that shares its input with others: y[m, r] = Σ_k x[m, k] · w[r, k], rows of y ldy apart.
struct Product {
  const PackedMatrix* w = nullptr;
  float* y = nullptr;
  int64_t ldy = 0;
};

// Computes all products of the same x: [M, K], rows ldx apart; every w has K columns. x is quantized once.
void matmul(const Device& device, Arithmetic arithmetic, const float* x, int64_t ldx, int64_t M, int64_t K,
            std::span<const Product> products);

}  // namespace mang
