#include "format/tensor_files.h"

#include <algorithm>
#include <numeric>

#include "format/text_check.h"

namespace mang {

namespace {

bool contains(const MappedFile& file, const StoredTensor& tensor) {
  const auto begin = reinterpret_cast<uintptr_t>(file.bytes().data());
  const auto at = reinterpret_cast<uintptr_t>(tensor.bytes.data());
  return at >= begin && at - begin < file.bytes().size();
}

}  // namespace

Result<TensorFiles> TensorFiles::create(std::vector<MappedFile> files, std::vector<StoredTensor> tensors,
                                        std::string_view what) {
  TensorFiles out;
  out.files_ = std::move(files);
  out.tensors_ = std::move(tensors);
  out.by_name_.resize(out.tensors_.size());
  std::iota(out.by_name_.begin(), out.by_name_.end(), 0);
  const auto name = [&](uint32_t i) -> const std::string& { return out.tensors_[i].name; };
  std::sort(out.by_name_.begin(), out.by_name_.end(), [&](uint32_t a, uint32_t b) { return name(a) < name(b); });
  for (size_t i = 1; i < out.by_name_.size(); ++i) {
    if (name(out.by_name_[i]) == name(out.by_name_[i - 1])) {
      return fail("{}: two tensors are named {}.", what, in_quotes(name(out.by_name_[i])));
    }
  }
  return out;
}

const StoredTensor* TensorFiles::find_tensor(std::string_view name) const {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [&](uint32_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
  return at == by_name_.end() || tensors_[*at].name != name ? nullptr : &tensors_[*at];
}

uint64_t TensorFiles::total_bytes() const {
  uint64_t total = 0;
  for (const MappedFile& file : files_) total += file.bytes().size();
  return total;
}

void TensorFiles::release(const StoredTensor& tensor) const {
  for (const MappedFile& file : files_) {
    if (contains(file, tensor)) file.release(tensor.bytes);
  }
}

void TensorFiles::prefetch(const StoredTensor& tensor) const {
  for (const MappedFile& file : files_) {
    if (contains(file, tensor)) file.prefetch(tensor.bytes);
  }
}

}  // namespace mang
