// Binds an architecture's table of tensors to the tensors of a file: each is looked up by name, its type and shape are
// checked, its values are checked to be numbers, it is brought to canonical row order and packed, and its pages of the
// file are given back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "format/tensor_files.h"
#include "kernels/device.h"
#include "model/weights.h"

namespace mang {

class Binder final : public WeightSource {
 public:
  // `files` and `device` must outlive the binder. `what` names the files in messages.
  Binder(const TensorFiles& files, bool is_gguf, std::string what, const Device& device);

  [[nodiscard]] bool is_gguf() const override { return is_gguf_; }
  [[nodiscard]] bool has(const TensorName& name) const override;
  Result<PackedMatrix> matrix(const TensorName& name, int64_t rows, int64_t cols) override;
  Result<Linear> linear(const TensorName& name, int64_t rows, int64_t cols, Bias bias,
                        const std::optional<InterleavedRows>& gguf_rows) override;
  Result<std::vector<PackedMatrix>> experts(const ExpertsName& name, int64_t count, int64_t rows,
                                            int64_t cols) override;
  Result<std::vector<float>> vector(const TensorName& name, int64_t n, float hf_offset) override;
  [[nodiscard]] uint64_t parameters() const override { return parameters_; }
  [[nodiscard]] uint64_t packed_bytes() const override { return packed_bytes_; }
  Result<bool> same_bytes(const TensorName& name, const TensorName& other) override;

  // Tensors of the file that no one asked for, in file order, without those known to carry nothing (tables old
  // checkpoints saved beside the weights).
  [[nodiscard]] std::vector<std::string_view> leftover() const;

 private:
  // The one way a tensor is taken: there, of a wanted class of types, of exactly this shape.
  enum class Wanted { any_type, floats };
  Result<const StoredTensor*> expect(const std::string& name, Wanted wanted, const Shape& shape);
  [[nodiscard]] Error not_finite(const std::string& name) const;
  using Rows = std::optional<InterleavedRows>;  // of the file; absent: canonical
  Result<PackedMatrix> pack(const std::string& name, int64_t rows, int64_t cols, const Rows& stored_rows);
  // A matrix of rows × cols whose bytes are `tensor`'s.
  Result<PackedMatrix> pack(const StoredTensor& tensor, int64_t rows, int64_t cols, const Rows& stored_rows);
  // Where each expert's matrix is stored, all found and checked.
  Result<std::vector<StoredTensor>> expert_tensors(const ExpertsName& name, int64_t count, int64_t rows, int64_t cols);
  Result<std::vector<float>> floats(const std::string& name, int64_t n, const Rows& stored_rows);

  [[nodiscard]] const std::string& of(const TensorName& name) const { return is_gguf_ ? name.gguf : name.hf; }

  const TensorFiles& files_;
  bool is_gguf_;
  std::string what_;
  const Device& device_;
  WeightArena arena_;
  std::unordered_set<std::string_view> used_;
  uint64_t parameters_ = 0;
  uint64_t packed_bytes_ = 0;
};

}  // namespace mang
