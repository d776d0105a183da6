#include "base/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <thread>
#include <vector>

using mang::ThreadPool;

TEST_CASE("each chunk runs exactly once, whatever the number of threads") {
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int chunks : {0, 1, 2, 7, 64, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(chunks));
      std::atomic<int> bad_thread{0};
      pool.run(chunks, [&](int64_t chunk, int thread) {
        hits[static_cast<size_t>(chunk)]++;
        if (thread < 0 || thread >= threads) bad_thread++;
      });
      for (auto& h : hits) CHECK(h.load() == 1);
      CHECK(bad_thread.load() == 0);
    }
  }
}

TEST_CASE("a job that finds no memory on any thread ends in one bad_alloc, and the pool goes on") {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int64_t failing : {0, 1, 63, 64}) {  // 64: none
      std::atomic<int64_t> worked{0};
      const auto job = [&](int64_t chunk, int) {
        if (chunk >= failing) throw std::bad_alloc();
        ++worked;
      };
      if (failing < 64) {
        CHECK_THROWS_AS(pool.run(64, job), std::bad_alloc);
      } else {
        CHECK_NOTHROW(pool.run(64, job));
      }
      CHECK(worked.load() == failing);
    }
  }
}

TEST_CASE("many short jobs in a row, with pauses in which workers fall asleep") {
  ThreadPool pool(3);
  std::atomic<int64_t> sum{0};
  int64_t expected = 0;
  for (int i = 0; i < 3000; ++i) {
    const int chunks = 1 + i % 5;
    expected += chunks;
    pool.run(chunks, [&](int64_t, int) { sum++; });
    if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  CHECK(sum.load() == expected);
}
