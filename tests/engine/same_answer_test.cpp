// The engine's promise: what a request answers depends on its prompt and parameters, not on who shares the batch, the
// chunks, the pool or the cache.
#include <doctest/doctest.h>

#include <numeric>

#include "engine/engine_fixture.h"
#include "engine/workload.h"

namespace mang {
namespace {

TEST_CASE("any workload under any options gives each request the answer it has alone") {
  int64_t preemptions = 0;
  int64_t cached = 0;
  int64_t cancelled = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Workload workload(seed);
    const EngineOptions options = workload.options();
    EngineFixture f(options);
    std::map<RequestId, Request> requests;
    std::vector<SessionId> sessions = {f.engine->open_session(), f.engine->open_session()};
    for (int i = 0; i < 25; ++i) {
      Request request = workload.request();
      if (workload.random() % 3 == 0) request.session = sessions[workload.random() % 2];
      const auto id = f.submit(request);
      if (id.ok()) requests.emplace(*id, request);  // else its session is busy
      for (auto n = workload.random() % 6; n > 0; --n) f.engine->step();
      if (workload.random() % 8 == 0 && !requests.empty()) f.engine->cancel(requests.rbegin()->first);
    }
    f.engine->run_until_done();
    for (const auto& [id, request] : requests) {
      const Record& record = f.records[id];
      REQUIRE(record.done.has_value());
      const std::vector<int32_t> want = alone(f.model, request, f.engine->context());
      if (record.done->reason == FinishReason::cancelled) {
        REQUIRE(record.ids.size() <= want.size());
        REQUIRE(std::equal(record.ids.begin(), record.ids.end(), want.begin()));
        ++cancelled;
      } else {
        REQUIRE(record.ids == want);
      }
      preemptions += record.done->stats.preemptions;
      cached += record.done->stats.cached_tokens;
    }
    for (const auto& step : f.model.steps()) {
      REQUIRE(std::accumulate(step.begin(), step.end(), int64_t{0}) <= options.step_tokens);
    }
    for (const SessionId session : sessions) f.engine->close_session(session);
    f.engine->step();
    f.check_clean();
  }
  // The workloads did meet what they are meant to meet.
  CHECK(preemptions > 20);
  CHECK(cached > 1000);
  CHECK(cancelled > 20);
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
