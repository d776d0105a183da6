// Sampler: a row of logits → a token id, with the same answer on every machine.
//
// All sums are exact: the weight of a token is the integer w = ⌊exp_f32((l − max) / temperature) · 2^40⌋ and totals are
// sums of integers, so no order of summation can matter. A weight below 2^−40 of the best one counts as 0.
//   order    tokens are ordered by logit, the highest first, equal logits by id, the lowest first
//   top_k    the first k in this order
//   top_p    the shortest beginning of what is left whose weights sum to at least ⌈top_p · total⌉; at least one token
//   min_p    those with (l − max) / temperature ≥ log_f32(min_p)
//   draw     r = ⌊R · total / 2^64⌋, R = 64 bits of Philox4x32-10 with the seed as key and the position as counter;
//            the kept tokens are walked by id, lowest first, and the one whose weight covers r is drawn
// No libm function is called: exp and log are the project's own (kernels/math.h).
// Sources: Keskar et al. 2019 (repetition penalty), Holtzman et al. 2019 (top-p), Nguyen et al. 2024 (min-p),
// Salmon et al. 2011 (Philox).
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"

namespace mang {

struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;  // natural log of the model's own probability: before penalties, biases and temperature
};

struct SampledToken {
  int32_t id = 0;
  float logprob = 0;              // as above; only if params.logprobs
  std::vector<TokenLogprob> top;  // the params.logprobs best, best first; equal ones by id
};

class Sampler {
 public:
  // params have been validated for this vocab.
  Sampler(SamplingParams params, int64_t vocab);

  // Tells the sampler of tokens before the answer (for the repetition penalty), and of each token of the answer.
  void accept_prompt(std::span<const int32_t> ids);
  void accept(int32_t id);

  // logits [vocab] are changed in place (penalties and biases). position: of the token to be chosen, in the sequence.
  // Errors: a logit that is NaN or +infinity, or none that is finite; the fault is the model's or its file's.
  Result<SampledToken> sample(std::span<float> logits, int64_t position);

  [[nodiscard]] const SamplingParams& params() const { return params_; }

 private:
  struct Candidate {
    float logit;
    int32_t id;
    uint64_t weight;
  };
  struct Seen {
    int32_t in_answer = 0;  // how often
  };
  struct Scan {
    float best = 0;
    int32_t best_id = 0;
  };

  Result<Scan> scan(std::span<const float> logits);  // also fills block_best_
  void penalize(std::span<float> logits) const;
  void report_logprobs(std::span<const float> logits, const Scan& scan, std::vector<TokenLogprob>& top,
                       double& log_total);
  void gather(std::span<const float> logits, float least);  // all with logit ≥ least, by id
  float kth_best_bound(int64_t k);
  int32_t draw(std::span<const float> logits, const Scan& scan, int64_t position);
  void keep_top_k(int64_t k);
  void keep_top_p(uint64_t total);

  SamplingParams params_;
  int64_t vocab_;
  std::unordered_map<int32_t, Seen> seen_;
  std::vector<float> block_best_;      // the best logit of each block of ids
  std::vector<float> selection_;       // working memory
  std::vector<Candidate> candidates_;  // by id
  std::vector<Candidate> ordered_;     // working memory of keep_…
};

// log Σ exp(logits), exactly summed as above (error ≤ vocab · 2^−40 + 2 ulp). NaN where the logits are no distribution.
double log_sum_exp(std::span<const float> logits);

// 64 random bits of (seed, position): Philox4x32-10, key = seed, counter = position.
uint64_t random_bits(uint64_t seed, uint64_t position);

}  // namespace mang
