#include "kernels/weight_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace mang {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kBlock = size_t{64} << 20;

// A block that begins on a huge page; null: the system gives no more.
std::shared_ptr<std::byte[]> map_block(size_t bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* mapped = ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const auto begin = (reinterpret_cast<uintptr_t>(mapped) + kHugePage - 1) / kHugePage * kHugePage;
  auto* block = reinterpret_cast<std::byte*>(begin);
  ::madvise(block, bytes, MADV_HUGEPAGE);
  return {block, [mapped, bytes](std::byte*) { ::munmap(mapped, bytes + kHugePage); }};
}

}  // namespace

std::shared_ptr<std::byte[]> WeightArena::take(size_t bytes) {
  bytes = (bytes + 63) / 64 * 64;
  if (bytes > size_ - used_) {
    const size_t size = std::max(kBlock, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    auto block = map_block(size);
    if (block == nullptr) return nullptr;
    block_ = std::move(block);
    size_ = size;
    used_ = 0;
  }
  std::byte* piece = block_.get() + used_;
  used_ += bytes;
  return {block_, piece};
}

}  // namespace mang
