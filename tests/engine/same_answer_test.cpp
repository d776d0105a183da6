// The engine's promise: what a request answers depends on its prompt and parameters, not on who shares the batch, the
// chunks, the pool or the cache.
#include <doctest/doctest.h>

#include <numeric>
#include <random>

#include "engine/engine_fixture.h"
#include "engine/reference_sampler.h"

namespace mang {
namespace {

// The answer without any engine: the plain sampler on the fake model's plain logits.
std::vector<int32_t> alone(const FakeModel& model, const Request& request, int64_t context) {
  ReferenceSampler sampler{request.sampling, request.prompt, {}};
  std::vector<int32_t> tokens = request.prompt;
  std::vector<float> row(static_cast<size_t>(model.info().vocab));
  while (static_cast<int64_t>(sampler.answer.size()) < request.sampling.max_tokens.value() &&
         static_cast<int64_t>(tokens.size()) < context) {
    model.expected_logits(tokens, row.data());
    const int32_t id = sampler.sample(row, static_cast<int64_t>(tokens.size()));
    const auto& stops = request.sampling.stop_ids;
    if (std::find(stops.begin(), stops.end(), id) != stops.end()) break;
    tokens.push_back(id);
    sampler.answer.push_back(id);
  }
  return sampler.answer;
}

struct Workload {
  std::mt19937 random;
  std::vector<std::vector<int32_t>> prefixes;  // that prompts have in common

  explicit Workload(uint32_t seed) : random(seed) {
    for (int i = 0; i < 4; ++i) prefixes.push_back(counting(i * 31, 30 + static_cast<int64_t>(random() % 250)));
  }

  Request request() {
    Request r;
    r.prompt = prefixes[random() % prefixes.size()];
    r.prompt.resize(1 + random() % r.prompt.size());
    for (auto n = random() % 40; n > 0; --n) r.prompt.push_back(static_cast<int32_t>(random() % 256));
    r.sampling.max_tokens = random() % 150;
    r.sampling.seed = random();
    if (random() % 2 == 0) r.sampling.temperature = 0.8f;
    if (random() % 3 == 0) r.sampling.top_k = 20;
    if (random() % 3 == 0) r.sampling.top_p = 0.9f;
    if (random() % 3 == 0) r.sampling.repetition_penalty = 1.2f;
    if (random() % 4 == 0) r.sampling.frequency_penalty = 0.4f;
    if (random() % 3 == 0) r.sampling.stop_ids = {static_cast<int32_t>(random() % 256), 7};
    if (random() % 4 == 0) r.cache_scope = "other";
    return r;
  }

  EngineOptions options() {
    const auto pick = [&](std::vector<int64_t> of) { return of[random() % of.size()]; };
    EngineOptions o;
    o.context = 400;
    o.kv_blocks = pick({7, 8, 12, 60});
    o.max_sequences = pick({1, 2, 5, 16});
    o.step_tokens = std::max(o.max_sequences, pick({1, 7, 64, 100, 512}));
    o.step_seconds = 0;
    o.prefix_cache = random() % 2 == 0;
    return o;
  }
};

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
