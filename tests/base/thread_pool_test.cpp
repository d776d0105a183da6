#include "base/thread_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
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
