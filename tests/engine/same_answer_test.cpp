// The engine's promise: what a request answers depends on its prompt and parameters, not on who shares the batch, the
// chunks, the pool or the cache.
#include <doctest/doctest.h>

#include "engine/engine_fixture.h"
#include "engine/workload.h"

namespace mang {
namespace {

TEST_CASE("any workload under any options gives each request the answer it has alone") {
  Tally tally;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Workload workload(seed);
    EngineFixture f(workload.options());
    work(f, workload, {}, tally);
  }
  // The workloads did meet what they are meant to meet.
  CHECK(tally.preemptions > 20);
  CHECK(tally.cached > 1000);
  CHECK(tally.cancelled > 20);
}

TEST_CASE("a pool of a quarter of the demand: no deadlock, the same answers") {
  Workload workload(99);
  EngineFixture f({.context = 400, .kv_blocks = 12, .max_sequences = 16, .step_seconds = 0});
  std::vector<Request> requests;
  for (int i = 0; i < 100; ++i) {
    Request request{.prompt = counting(i, 100), .sampling = {.max_tokens = 100}};
    requests.push_back(request);
    f.must_submit(request);
  }
  f.engine->run_until_done();
  int64_t preemptions = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    const Record& record = f.records[i + 1];
    REQUIRE(record.ids == f.expected_greedy(requests[i].prompt, 100));
    preemptions += record.done->stats.preemptions;
  }
  CHECK(preemptions > 0);
  f.check_clean();
}

}  // namespace
}  // namespace mang
