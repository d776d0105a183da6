// Memory for packed weights: few large pieces on huge pages, handed out one matrix after the other. A small model has
// hundreds of matrices below a megabyte each; on 4 KiB pages their address translations cost half of the bandwidth.
#pragma once

#include <cstddef>
#include <memory>

namespace mang {

class WeightArena {
 public:
  // 64-byte aligned, zero-filled memory that lives as long as anyone holds a piece of its block. Only what is written
  // becomes resident. Null: the system gives no more.
  std::shared_ptr<std::byte[]> take(size_t bytes);

 private:
  std::shared_ptr<std::byte[]> block_;
  size_t used_ = 0;
  size_t size_ = 0;
};

}  // namespace mang
