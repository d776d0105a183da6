#include "base/thread_pool.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>

#include "base/check.h"

namespace mang {

namespace {

// Waiting is cheap first and polite later: pauses for the gap between two operations of one token, then yields, then
// sleep. A pool that only spins collapses when another program shares its cores; a core whose thread sleeps soon takes
// over the one that waits behind that program.
constexpr int kSpins = 500;
constexpr auto kYieldFor = std::chrono::microseconds(50);

// Spins, then yields; true when ready() came true, false when the time for yielding ran out.
template <typename Ready>
bool wait_briefly(Ready&& ready) {
  for (int i = 0; i < kSpins; ++i) {
    if (ready()) return true;
    _mm_pause();
  }
  const auto until = std::chrono::steady_clock::now() + kYieldFor;
  while (std::chrono::steady_clock::now() < until) {
    if (ready()) return true;
    std::this_thread::yield();
  }
  return ready();
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  MANG_CHECK(threads >= 1);
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int thread = 1; thread < threads; ++thread) {
    try {
      workers_.emplace_back([this, thread] { worker_main(thread); });
    } catch (const std::system_error&) {
      return;
    }
  }
}

ThreadPool::~ThreadPool() {
  ending_.store(true);
  wake_.fetch_add(1);
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::work(int thread) {
  while (true) {
    if (const uint64_t seen = state_.load(std::memory_order_acquire); next_of(seen) >= chunks_of(seen)) return;
    const uint64_t claim = state_.fetch_add(1, std::memory_order_acq_rel);
    if (next_of(claim) >= chunks_of(claim)) return;
    // The claimed chunk is not done, so its run() has not returned and call_ and context_ belong to it.
    try {
      call_(context_, static_cast<int64_t>(next_of(claim)), thread);
    } catch (const std::bad_alloc&) {  // unwinding further would end the program, or the job others are still at
      no_memory_.store(true, std::memory_order_relaxed);
    }
    done_.fetch_add(1, std::memory_order_seq_cst);  // then a look at waiting_; run() sets that, then looks at done_
    if (waiting_.load(std::memory_order_seq_cst)) {
      finished_.fetch_add(1);
      finished_.notify_one();
    }
  }
}

void ThreadPool::run_erased(int64_t chunks, Erased call, void* context) {
  if (chunks <= 0) return;
  MANG_CHECK(static_cast<uint64_t>(chunks) < kCountMask / 2);
  if (workers_.empty() || chunks == 1) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) call(context, chunk, 0);
    return;
  }
  call_ = call;
  context_ = context;
  done_.store(0, std::memory_order_relaxed);
  const uint64_t epoch = (state_.load(std::memory_order_relaxed) >> (2 * kCountBits)) + 1;
  state_.store((epoch << (2 * kCountBits)) | (static_cast<uint64_t>(chunks) << kCountBits), std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) {
    wake_.fetch_add(1);
    wake_.notify_all();
  }
  work(0);
  const auto all_done = [&] { return done_.load(std::memory_order_seq_cst) == chunks; };
  while (!wait_briefly(all_done)) {
    const uint32_t before = finished_.load(std::memory_order_acquire);
    waiting_.store(true, std::memory_order_seq_cst);
    if (!all_done()) finished_.wait(before);
    waiting_.store(false, std::memory_order_relaxed);
  }
  if (no_memory_.load(std::memory_order_relaxed)) {
    no_memory_.store(false, std::memory_order_relaxed);
    throw std::bad_alloc();
  }
}

bool ThreadPool::wait_for_work() {
  const auto ready = [&] {
    const uint64_t state = state_.load(std::memory_order_acquire);
    return next_of(state) < chunks_of(state) || ending_.load(std::memory_order_relaxed);
  };
  while (!wait_briefly(ready)) {
    const uint32_t before = wake_.load(std::memory_order_acquire);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    if (!ready()) wake_.wait(before);
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  }
  return !ending_.load(std::memory_order_relaxed);
}

void ThreadPool::worker_main(int thread) {
  while (wait_for_work()) work(thread);
}

}  // namespace mang
