// Random requests under random options, and what each must be answered.
#pragma once

#include <algorithm>
#include <cstdint>
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

}  // namespace mang
