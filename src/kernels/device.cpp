#include "kernels/device.h"

#include "base/check.h"
#include "kernels/cpu/kernels.h"

namespace mang {

namespace {
constexpr size_t kAlignment = 64;
}

Device::Device(ThreadPool& pool, Isa isa) : Device(pool, isa, cpu::kernels_of(isa)) {}

Device::Device(ThreadPool& pool, Isa isa, const cpu::Kernels& kernels)
    : pool_(&pool), isa_(isa), kernels_(&kernels), scratch_(static_cast<size_t>(pool.size()) * kSlots) {
  MANG_CHECK(isa_available(isa));
}

std::byte* Device::scratch(int thread, Slot slot, size_t bytes) const {
  MANG_CHECK(thread >= 0 && thread < threads());
  Buffer& buffer = scratch_[static_cast<size_t>(thread) * kSlots + slot];
  if (buffer.bytes < bytes) {
    buffer.bytes = 0;
    buffer.memory.reset();  // the old block first: the peak is what counts
    buffer.memory = std::make_unique_for_overwrite<std::byte[]>(bytes + kAlignment);
    buffer.bytes = bytes;
  }
  void* aligned = buffer.memory.get();
  size_t room = buffer.bytes + kAlignment;
  return buffer.memory == nullptr ? nullptr
                                  : static_cast<std::byte*>(std::align(kAlignment, buffer.bytes, aligned, room));
}

}  // namespace mang
