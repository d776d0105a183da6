// The one thread pool. A job is `chunks` pieces that threads claim one by one from an atomic cursor, so a core that
// is lost to another program costs its share and not the whole. What a chunk computes must not depend on which
// thread runs it: threads split output rows, never a reduction (docs/arithmetic.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace mang {

class ThreadPool {
 public:
  // threads: how many work on a job, the caller included; at least 1. Where the system refuses to start so many (a
  // limit on processes or memory), the pool has those it got: size() says how many.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls job(chunk, thread) once for each chunk in [0, chunks), thread in [0, size()), and returns when all are
  // done. Not reentrant: one run at a time, from one thread at a time. A job that finds no memory (std::bad_alloc) on
  // any thread makes run throw the same once all chunks are through.
  template <typename Job>
  void run(int64_t chunks, Job&& job) {
    using Plain = std::remove_reference_t<Job>;
    run_erased(
        chunks, [](void* context, int64_t chunk, int thread) { (*static_cast<Plain*>(context))(chunk, thread); },
        const_cast<void*>(static_cast<const void*>(std::addressof(job))));
  }

 private:
  using Erased = void (*)(void* context, int64_t chunk, int thread);

  // epoch (16 bits) | chunks (24) | next (24) in one word: a claim and what it belongs to are read in one step, so a
  // thread that wakes late can never mistake a new job for the old one.
  static constexpr int kCountBits = 24;
  static constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;
  static uint64_t chunks_of(uint64_t state) { return (state >> kCountBits) & kCountMask; }
  static uint64_t next_of(uint64_t state) { return state & kCountMask; }

  void run_erased(int64_t chunks, Erased call, void* context);
  void work(int thread);         // claims and runs chunks until none is left
  void worker_main(int thread);  // waits for jobs until the pool ends
  bool wait_for_work();          // false: the pool ends

  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<int64_t> done_{0};
  alignas(64) std::atomic<uint32_t> wake_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<uint32_t> finished_{0};
  std::atomic<bool> waiting_{false};  // run(), asleep until finished_ changes
  std::atomic<bool> ending_{false};
  std::atomic<bool> no_memory_{false};  // for a chunk of this run
  Erased call_ = nullptr;
  void* context_ = nullptr;
  std::vector<std::thread> workers_;
};

}  // namespace mang
