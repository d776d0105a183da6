// Where operations run: a thread pool and the kernels of one instruction set. Passed to every op; never a global.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"

namespace mang {

namespace cpu {
struct Kernels;  // the table of one ISA's kernels, kernels/cpu/kernels.h
}

class OpTrace;

class Device {
 public:
  // isa must be available on this machine (isa_available).
  Device(ThreadPool& pool, Isa isa);
  // With a table of kernels that no instruction set names: for tests of emulated ones.
  Device(ThreadPool& pool, Isa isa, const cpu::Kernels& kernels);

  [[nodiscard]] Isa isa() const { return isa_; }
  [[nodiscard]] const cpu::Kernels& kernels() const { return *kernels_; }
  [[nodiscard]] int threads() const { return pool_->size(); }

  // Who listens to the operations that run here (kernels/op_trace.h); null: no one.
  void set_trace(OpTrace* trace) { trace_ = trace; }
  [[nodiscard]] OpTrace* trace() const { return trace_; }

  // Splits [0, chunks) over the threads: job(chunk, thread).
  template <typename Job>
  void run(int64_t chunks, Job&& job) const {
    pool_->run(chunks, std::forward<Job>(job));
  }

  // Working memory of one thread (of the caller: thread 0), 64-byte aligned, kept and grown between calls. What was
  // in it is lost at the next call for the same thread and slot.
  enum Slot { kInput, kRow, kUnpacked, kTile, kPartial, kSlots };
  [[nodiscard]] std::byte* scratch(int thread, Slot slot, size_t bytes) const;

 private:
  struct Buffer {
    std::unique_ptr<std::byte[]> memory;
    size_t bytes = 0;
  };
  ThreadPool* pool_;
  Isa isa_;
  const cpu::Kernels* kernels_;
  OpTrace* trace_ = nullptr;
  mutable std::vector<Buffer> scratch_;  // [thread][slot]
};

}  // namespace mang
