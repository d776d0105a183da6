// The sampler's definition (engine/sampler.h) in plain steps: a full sort, whole vectors, scalar functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <vector>

#include "engine/sampler.h"
#include "kernels/math.h"

namespace mang {

struct ReferenceSampler {
  SamplingParams params;
  std::vector<int32_t> prompt;
  std::vector<int32_t> answer;

  static uint64_t weight(float x) { return static_cast<uint64_t>(exp_f32(x) * 0x1p40f); }

  std::vector<float> adjusted(std::vector<float> logits) const {
    std::map<int32_t, int64_t> counts;
    for (const int32_t id : prompt) counts[id] += 0;
    for (const int32_t id : answer) counts[id] += 1;
    for (const auto& [id, count] : counts) {
      float& l = logits[id];
      if (params.repetition_penalty != 1) l = l < 0 ? l * params.repetition_penalty : l / params.repetition_penalty;
      if (count > 0) {
        l -= params.presence_penalty;
        l -= params.frequency_penalty * static_cast<float>(count);
      }
    }
    for (const auto& [id, bias] : params.logit_bias) logits[id] += bias;
    return logits;
  }

  // The kept tokens with their weights, best first.
  std::vector<std::pair<int32_t, uint64_t>> kept(const std::vector<float>& logits) const {
    std::vector<int32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
    const float best = logits[order[0]];
    if (params.top_k > 0 && order.size() > static_cast<size_t>(params.top_k)) order.resize(params.top_k);
    std::vector<std::pair<int32_t, uint64_t>> kept;
    uint64_t total = 0;
    for (const int32_t id : order) {
      kept.emplace_back(id, weight((logits[id] - best) / params.temperature));
      total += kept.back().second;
    }
    if (params.top_p < 1) {
      const double least = std::max(std::ceil(static_cast<double>(params.top_p) * static_cast<double>(total)), 1.0);
      uint64_t sum = 0;
      size_t n = 0;
      while (sum < static_cast<uint64_t>(least) && n < kept.size()) sum += kept[n++].second;
      kept.resize(n);
    }
    if (params.min_p > 0) {
      std::erase_if(
          kept, [&](const auto& k) { return (logits[k.first] - best) / params.temperature < log_f32(params.min_p); });
    }
    return kept;
  }

  int32_t sample(const std::vector<float>& raw, int64_t position) const {
    const std::vector<float> logits = adjusted(raw);
    if (params.temperature == 0) {
      return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    }
    auto tokens = kept(logits);
    std::sort(tokens.begin(), tokens.end());  // by id
    unsigned __int128 total = 0;
    for (const auto& [id, w] : tokens) total += w;
    auto left = static_cast<uint64_t>((total * random_bits(params.seed, static_cast<uint64_t>(position))) >> 64);
    for (const auto& [id, w] : tokens) {
      if (left < w) return id;
      left -= w;
    }
    return -1;
  }
};

}  // namespace mang
