// Random requests under random options, and what each must be answered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "engine/engine_fixture.h"
#include "engine/reference_sampler.h"

namespace mang {

// The answer without any engine: the plain sampler on the fake model's plain logits.
inline std::vector<int32_t> alone(const FakeModel& model, const Request& request, int64_t context) {
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

  // Options for the engine that does the work.
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

// Which requests come.
struct Mix {
  int requests = 25;
  bool interrupted = true;  // some in two sessions, some cancelled
  bool drafts = false;      // some that ask for no speculation
};

// What came of the requests of one workload or of several.
struct Tally {
  int64_t cached = 0;
  int64_t cancelled = 0;
  int64_t preemptions = 0;
  int64_t drafted = 0;
  int64_t accepted = 0;

  void add(const DoneEvent& done) {
    cached += done.stats.cached_tokens;
    cancelled += done.reason == FinishReason::cancelled ? 1 : 0;
    preemptions += done.stats.preemptions;
    drafted += done.stats.drafted_tokens;
    accepted += done.stats.accepted_tokens;
  }
};

// Requires that a request got the answer it has alone, as far as it went.
inline void require_alone(const EngineFixture& f, const Request& request, const Record& record) {
  REQUIRE(record.done.has_value());
  const std::vector<int32_t> want = alone(f.model, request, f.engine->context());
  if (record.done->reason == FinishReason::cancelled) {
    REQUIRE(record.ids.size() <= want.size());
    REQUIRE(std::equal(record.ids.begin(), record.ids.end(), want.begin()));
  } else {
    REQUIRE(record.ids == want);
  }
  const RequestStats& stats = record.done->stats;
  REQUIRE(stats.accepted_tokens <= stats.drafted_tokens);
  if (!request.speculate) REQUIRE(stats.drafted_tokens == 0);
}

// Random requests with some steps after each, then all to their end; every answer is checked.
inline void work(EngineFixture& f, Workload& workload, const Mix& mix, Tally& tally) {
  std::map<RequestId, Request> requests;
  std::vector<SessionId> sessions;
  if (mix.interrupted) sessions = {f.engine->open_session(), f.engine->open_session()};
  for (int i = 0; i < mix.requests; ++i) {
    Request request = workload.request();
    if (mix.interrupted && workload.random() % 3 == 0) request.session = sessions[workload.random() % 2];
    if (mix.drafts) request.speculate = workload.random() % 5 != 0;
    const auto id = f.submit(request);
    REQUIRE((id.ok() || request.session != SessionId{}));  // else its session is busy
    if (id.ok()) requests.emplace(*id, request);
    for (auto n = workload.random() % 6; n > 0; --n) f.engine->step();
    if (mix.interrupted && workload.random() % 8 == 0 && !requests.empty()) {
      f.engine->cancel(requests.rbegin()->first);
    }
  }
  f.engine->run_until_done();
  for (const auto& [id, request] : requests) {
    require_alone(f, request, f.records[id]);
    tally.add(*f.records[id].done);
  }
  for (const auto& step : f.model.steps()) {
    REQUIRE(std::accumulate(step.begin(), step.end(), int64_t{0}) <= f.engine->options().step_tokens);
  }
  for (const SessionId session : sessions) f.engine->close_session(session);
  f.engine->step();
  f.check_clean();
}

}  // namespace mang
