// Named tensors in one or more mapped files: what GGUF files and safetensors directories have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace mang {

// The tensors are views into the files and live as long as this object; moving it is fine.
class TensorFiles {
 public:
  TensorFiles() = default;
  // `tensors` point into `files`; refuses two of one name. `what` names the whole in messages.
  static Result<TensorFiles> create(std::vector<MappedFile> files, std::vector<StoredTensor> tensors,
                                    std::string_view what);

  [[nodiscard]] std::span<const StoredTensor> tensors() const { return tensors_; }  // in file order, file after file
  [[nodiscard]] const StoredTensor* find_tensor(std::string_view name) const;       // nullptr: not there

  [[nodiscard]] std::span<const MappedFile> files() const { return files_; }
  [[nodiscard]] uint64_t total_bytes() const;  // of all files

  // A tensor's pages: no longer needed for now, or needed soon. `tensor`: one of tensors(), or with a part of
  // its bytes.
  void release(const StoredTensor& tensor) const;
  void prefetch(const StoredTensor& tensor) const;

 private:
  std::vector<MappedFile> files_;
  std::vector<StoredTensor> tensors_;
  std::vector<uint32_t> by_name_;  // tensors_, sorted by name
};

}  // namespace mang
