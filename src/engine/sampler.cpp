#include "engine/sampler.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"
#include "kernels/math.h"

namespace mang {

namespace {

constexpr int64_t kBlock = 128;  // ids of one entry of block_best_
constexpr int kLanes = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
// exp_f32(x) · 2^40 < 1 for every x below this.
constexpr float kWeightless = -28.0f;
constexpr float kOne = 0x1p+40f;  // the weight of the best token

// The best of n logits; `bad` becomes nonzero if one is NaN or +infinity. Lanes, so that compilers use vectors.
float best_of(const float* x, int64_t n, int32_t& bad) {
  float best[kLanes];
  int32_t wrong[kLanes] = {};
  for (int i = 0; i < kLanes; ++i) best[i] = -kInfinity;
  int64_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    for (int i = 0; i < kLanes; ++i) {
      best[i] = x[at + i] > best[i] ? x[at + i] : best[i];
      wrong[i] |= x[at + i] <= FLT_MAX ? 0 : 1;
    }
  }
  for (int i = 0; at < n; ++at, ++i) {
    best[i] = x[at] > best[i] ? x[at] : best[i];
    wrong[i] |= x[at] <= FLT_MAX ? 0 : 1;
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) {
      best[i] = best[i + half] > best[i] ? best[i + half] : best[i];
      wrong[i] |= wrong[i + half];
    }
  }
  bad |= wrong[0];
  return best[0];
}

float scaled(float logit, float best, float temperature) { return (logit - best) / temperature; }

// weights[i] = ⌊exp((logits[i] − best) / temperature) · 2^40⌋ for n ≤ kBlock; returns their sum.
uint64_t weigh(const Device& device, const float* logits, int64_t n, float best, float temperature, uint64_t* weights) {
  alignas(64) float x[kBlock];
  for (int64_t i = 0; i < n; ++i) x[i] = scaled(logits[i], best, temperature);
  exp_row(device, x, n);
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    weights[i] = static_cast<uint64_t>(static_cast<int64_t>(x[i] * kOne));
    sum += weights[i];
  }
  return sum;
}

double log_weight(uint64_t weight) { return log_f64(static_cast<double>(weight) * 0x1p-40); }

// ⌊random · total / 2^64⌋.
uint64_t scale_random(uint64_t random, uint64_t total) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(random) * total) >> 64);
}

}  // namespace

Sampler::Sampler(SamplingParams params, int64_t vocab) : params_(std::move(params)), vocab_(vocab) {
  MANG_CHECK(vocab > 0 && vocab <= (int64_t{1} << 24));  // 2^24 weights of 2^40 fit in 64 bits
  log_min_p_ = log_f32(params_.min_p);                   // −infinity for 0: keeps all
}

void Sampler::accept_prompt(std::span<const int32_t> ids) {
  if (params_.repetition_penalty == 1) return;
  for (const int32_t id : ids) see(id);
}

void Sampler::accept(int32_t id) {
  if (params_.repetition_penalty == 1 && params_.presence_penalty == 0 && params_.frequency_penalty == 0) return;
  ++see(id).in_answer;
}

Sampler::Seen& Sampler::see(int32_t id) {
  const auto [at, is_new] = seen_at_.try_emplace(id, seen_.size());
  if (is_new) seen_.push_back({id, 0});
  return seen_[at->second];
}

Result<SampledToken> Sampler::sample(const Device& device, std::span<float> logits, int64_t position) {
  MANG_CHECK(static_cast<int64_t>(logits.size()) == vocab_);
  SampledToken out;
  MANG_TRY(int32_t best_id, scan(logits));
  float best = logits[best_id];
  double log_total = 0;
  if (params_.logprobs) {
    log_total = best + log_weight(weigh_all(device, logits, best, 1));
    report_best(logits, log_total, *params_.logprobs, out.top);
  }
  if (!seen_.empty() || !params_.logit_bias.empty()) {
    adjust(logits);
    MANG_TRY(int32_t adjusted_id, scan(logits));
    best_id = adjusted_id;
    best = logits[best_id];
  }
  out.id = params_.temperature == 0 ? best_id : draw(device, logits, best, position);
  if (params_.logprobs) {
    out.logprob = static_cast<float>(static_cast<double>(logit_before_adjusting(logits, out.id)) - log_total);
  }
  return out;
}

Result<int32_t> Sampler::scan(std::span<const float> logits) {
  const int64_t blocks = (vocab_ + kBlock - 1) / kBlock;
  block_best_.resize(static_cast<size_t>(blocks));
  int32_t bad = 0;
  int64_t best_block = 0;
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t begin = b * kBlock;
    block_best_[b] = best_of(logits.data() + begin, std::min(kBlock, vocab_ - begin), bad);
    if (block_best_[b] > block_best_[best_block]) best_block = b;
  }
  if (bad != 0) {
    const auto wrong = std::find_if(logits.begin(), logits.end(), [](float l) { return !(l <= FLT_MAX); });
    return fail("The model gave {} as the logit of token {}: its weights are damaged or do not fit its description.",
                std::isnan(*wrong) ? fail("NaN") : fail("infinity"), wrong - logits.begin());
  }
  const float best = block_best_[best_block];
  if (best == -kInfinity) return fail("No token is left to choose: all of them are banned.");
  int64_t id = best_block * kBlock;
  while (logits[id] != best) ++id;
  return static_cast<int32_t>(id);
}

void Sampler::adjust(std::span<float> logits) {
  replaced_.clear();
  for (const auto& [id, in_answer] : seen_) {
    float& logit = logits[id];
    replaced_.emplace_back(id, logit);
    if (params_.repetition_penalty != 1) {
      logit = logit < 0 ? logit * params_.repetition_penalty : logit / params_.repetition_penalty;
    }
    if (in_answer > 0) {
      logit -= params_.presence_penalty;
      logit -= params_.frequency_penalty * static_cast<float>(in_answer);
    }
  }
  for (const auto& [id, bias] : params_.logit_bias) {
    replaced_.emplace_back(id, logits[id]);
    logits[id] += bias;
  }
}

float Sampler::logit_before_adjusting(std::span<const float> logits, int32_t id) const {
  for (const auto& [changed, logit] : replaced_) {  // the first entry of an id is the model's
    if (changed == id) return logit;
  }
  return logits[id];
}

Result<SampledToken> Sampler::judge(const Device& device, std::span<const float> logits, int32_t id, int32_t n) {
  MANG_TRY(const int32_t best_id, scan(logits));
  const float best = logits[best_id];
  const double log_total = best + log_weight(weigh_all(device, logits, best, 1));
  SampledToken out;
  out.id = id;
  out.logprob = static_cast<float>(static_cast<double>(logits[id]) - log_total);
  report_best(logits, log_total, n, out.top);
  return out;
}

void Sampler::report_best(std::span<const float> logits, double log_total, int64_t n, std::vector<TokenLogprob>& top) {
  n = std::min(n, vocab_);
  if (n == 0) return;
  gather_best(logits, n);
  std::sort(candidates_.begin(), candidates_.end(), before);
  for (const Candidate& c : candidates_) {
    top.push_back({c.id, static_cast<float>(static_cast<double>(c.logit) - log_total)});
  }
}

int32_t Sampler::draw(const Device& device, std::span<const float> logits, float best, int64_t position) {
  const uint64_t random = random_bits(params_.seed, static_cast<uint64_t>(position));
  const bool top_k = params_.top_k > 0 && params_.top_k < vocab_;
  const bool top_p = params_.top_p < 1;
  if (!top_k && !top_p && params_.min_p == 0) return draw_from_all(device, logits, best, random);

  const auto likely = [&](float logit) { return scaled(logit, best, params_.temperature) >= log_min_p_; };
  if (top_k) {
    gather_best(logits, params_.top_k);
    weigh_candidates(device, best, params_.temperature);
  } else if (!top_p) {
    gather_if(logits, likely);
    weigh_candidates(device, best, params_.temperature);
  }
  if (top_p) {
    uint64_t total = 0;
    if (top_k) {
      for (const Candidate& c : candidates_) total += c.weight;
    } else {
      total = weigh_all(device, logits, best, params_.temperature);
    }
    const double least = std::ceil(static_cast<double>(params_.top_p) * static_cast<double>(total));
    const auto least_weight = std::clamp(static_cast<uint64_t>(least), uint64_t{1}, total);
    if (!top_k) gather_nucleus(device, logits, best, least_weight);
    cut_to_weight(least_weight);
  }
  std::erase_if(candidates_, [&](const Candidate& c) { return !likely(c.logit); });

  uint64_t total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
  uint64_t left = scale_random(random, total);
  for (const Candidate& c : candidates_) {
    if (left < c.weight) return c.id;
    left -= c.weight;
  }
  MANG_CHECK(false);  // total > 0: the best token is always kept, and left < total
}

int32_t Sampler::draw_from_all(const Device& device, std::span<const float> logits, float best, uint64_t random) {
  uint64_t left = scale_random(random, weigh_all(device, logits, best, params_.temperature));
  size_t b = 0;
  for (; left >= block_weight_[b]; ++b) left -= block_weight_[b];
  const int64_t begin = static_cast<int64_t>(b) * kBlock;
  uint64_t weights[kBlock];
  weigh(device, logits.data() + begin, std::min(kBlock, vocab_ - begin), best, params_.temperature, weights);
  int64_t i = 0;
  for (; left >= weights[i]; ++i) left -= weights[i];
  return static_cast<int32_t>(begin + i);
}

uint64_t Sampler::weigh_all(const Device& device, std::span<const float> logits, float best, float temperature) {
  block_weight_.resize(block_best_.size());
  uint64_t total = 0;
  uint64_t weights[kBlock];
  for (size_t b = 0; b < block_best_.size(); ++b) {
    const int64_t begin = static_cast<int64_t>(b) * kBlock;
    const bool weightless = scaled(block_best_[b], best, temperature) < kWeightless;
    block_weight_[b] =
        weightless ? 0
                   : weigh(device, logits.data() + begin, std::min(kBlock, vocab_ - begin), best, temperature, weights);
    total += block_weight_[b];
  }
  return total;
}

void Sampler::weigh_candidates(const Device& device, float best, float temperature) {
  float logits[kBlock];
  uint64_t weights[kBlock];
  for (size_t begin = 0; begin < candidates_.size(); begin += kBlock) {
    const size_t n = std::min<size_t>(kBlock, candidates_.size() - begin);
    for (size_t i = 0; i < n; ++i) logits[i] = candidates_[begin + i].logit;
    weigh(device, logits, static_cast<int64_t>(n), best, temperature, weights);
    for (size_t i = 0; i < n; ++i) candidates_[begin + i].weight = weights[i];
  }
}

// keep(logit) must not become false as the logit grows: blocks whose best it refuses are skipped.
template <typename Keep>
void Sampler::gather_if(std::span<const float> logits, Keep keep) {
  candidates_.clear();
  for (size_t b = 0; b < block_best_.size(); ++b) {
    if (!keep(block_best_[b])) continue;
    const int64_t begin = static_cast<int64_t>(b) * kBlock;
    const int64_t end = std::min(begin + kBlock, vocab_);
    for (int64_t id = begin; id < end; ++id) {
      if (keep(logits[id])) candidates_.push_back({logits[id], static_cast<int32_t>(id), 0});
    }
  }
}

// The k-th best of the blocks' bests is a bound: k tokens are at least as good.
void Sampler::gather_best(std::span<const float> logits, int64_t k) {
  float bound = -kInfinity;
  if (k <= static_cast<int64_t>(block_best_.size())) {
    ranked_ = block_best_;
    std::nth_element(ranked_.begin(), ranked_.begin() + (k - 1), ranked_.end(), std::greater<>());
    bound = ranked_[static_cast<size_t>(k - 1)];
  }
  gather_if(logits, [&](float logit) { return logit >= bound; });
  cut_to_count(k);
}

// All tokens down to a bound under which the nucleus cannot reach, with their weights.
void Sampler::gather_nucleus(const Device& device, std::span<const float> logits, float best, uint64_t least_weight) {
  for (const float bound : {-4.0f, -8.0f, -16.0f, kWeightless}) {
    gather_if(logits, [&](float logit) { return scaled(logit, best, params_.temperature) >= bound; });
    weigh_candidates(device, best, params_.temperature);
    uint64_t sum = 0;
    for (const Candidate& c : candidates_) sum += c.weight;
    if (sum >= least_weight) return;
  }
  MANG_CHECK(false);  // below kWeightless every weight is 0
}

void Sampler::cut_to_count(int64_t k) {
  if (static_cast<int64_t>(candidates_.size()) <= k) return;
  ordered_ = candidates_;
  std::nth_element(ordered_.begin(), ordered_.begin() + (k - 1), ordered_.end(), before);
  cut_after(ordered_[static_cast<size_t>(k - 1)]);
}

// The shortest beginning with at least this weight; halves are compared by exact sums, so no full sort is needed.
void Sampler::cut_to_weight(uint64_t least_weight) {
  ordered_ = candidates_;
  size_t begin = 0;  // everything before it is kept
  size_t end = ordered_.size();
  while (end - begin > 1) {
    const size_t middle = begin + (end - begin) / 2;
    const auto at = [&](size_t i) { return ordered_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(begin), at(middle), at(end), before);
    uint64_t sum = 0;
    for (size_t i = begin; i < middle; ++i) sum += ordered_[i].weight;
    if (sum >= least_weight) {
      end = middle;
    } else {
      least_weight -= sum;
      begin = middle;
    }
  }
  cut_after(ordered_[begin]);
}

void Sampler::cut_after(const Candidate& last) {
  std::erase_if(candidates_, [&](const Candidate& c) { return before(last, c); });
}

double log_sum_exp(const Device& device, std::span<const float> logits) {
  int32_t bad = 0;
  const float best = best_of(logits.data(), static_cast<int64_t>(logits.size()), bad);
  if (bad != 0 || best == -kInfinity) return std::numeric_limits<double>::quiet_NaN();
  uint64_t total = 0;
  uint64_t weights[kBlock];
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const auto n = static_cast<int64_t>(std::min<size_t>(kBlock, logits.size() - begin));
    total += weigh(device, logits.data() + begin, n, best, 1, weights);
  }
  return best + log_weight(total);
}

}  // namespace mang
