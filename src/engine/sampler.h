// Sampler: a row of logits → a token id, with the same answer on every machine.
//
// All sums are exact: the weight of a token is the integer w = ⌊exp_f32((l − max) / temperature) · 2^40⌋ and totals are
// sums of integers, so no order of summation can matter. A weight below 2^−40 of the best one counts as 0.
//   order    tokens are ordered by logit, the highest first, equal logits by id, the lowest first
//   top_k    the first k in this order
//   top_p    the shortest beginning of what is left whose weights sum to at least ⌈top_p · total⌉ (the product in
//            double); at least one token
//   min_p    those with (l − max) / temperature ≥ log_f32(min_p)
//   draw     r = ⌊R · total / 2^64⌋, R = 64 bits of Philox4x32-10 with the seed as key and the position as counter;
//            the kept tokens are walked by id, lowest first, and the one whose weight covers r is drawn
// No libm function is called: exp and log are the project's own (kernels/math.h).
// Sources: Keskar et al. 2019 (repetition penalty), Holtzman et al. 2019 (top-p), Nguyen et al. 2024 (min-p),
// Salmon et al. 2011 (Philox). The plain definition is tests/engine/reference_sampler.h.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/sampling_params.h"
#include "kernels/device.h"

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
  // params have been validated for this vocab (at most 2^24).
  Sampler(SamplingParams params, int64_t vocab);

  // Tells the sampler of tokens before the answer (for the repetition penalty), and of each token of the answer.
  void accept_prompt(std::span<const int32_t> ids);
  void accept(int32_t id);

  // logits [vocab] are changed in place (penalties and biases). position: of the token to be chosen, in the sequence.
  // Runs on the calling thread. Errors: a logit that is NaN or +infinity, or none that is finite; the fault is the
  // model's or its file's, or every token was banned.
  Result<SampledToken> sample(const Device& device, std::span<float> logits, int64_t position);

  // How likely a token is that stands there already, by logits [vocab], and the n best in its place. Errors as above.
  Result<SampledToken> judge(const Device& device, std::span<const float> logits, int32_t id, int32_t n);

  [[nodiscard]] const SamplingParams& params() const { return params_; }

 private:
  struct Candidate {
    float logit = 0;
    int32_t id = 0;
    uint64_t weight = 0;
  };
  struct Seen {
    int32_t id = 0;
    int64_t in_answer = 0;  // how often; 0: only in the prompt
  };
  // A token stands before another in the order above.
  static bool before(const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  }

  Seen& see(int32_t id);
  Result<int32_t> scan(std::span<const float> logits);  // the best id; fills block_best_
  void adjust(std::span<float> logits);                 // penalties and biases; what was there goes to replaced_
  [[nodiscard]] float logit_before_adjusting(std::span<const float> logits, int32_t id) const;
  void report_best(std::span<const float> logits, double log_total, int64_t n, std::vector<TokenLogprob>& top);

  int32_t draw(const Device& device, std::span<const float> logits, float best, int64_t position);
  int32_t draw_from_all(const Device& device, std::span<const float> logits, float best, uint64_t random);
  uint64_t weigh_all(const Device& device, std::span<const float> logits, float best, float temperature);
  void weigh_candidates(const Device& device, float best, float temperature);
  void gather_best(std::span<const float> logits, int64_t k);
  void gather_nucleus(const Device& device, std::span<const float> logits, float best, uint64_t least_weight);
  template <typename Keep>
  void gather_if(std::span<const float> logits, Keep keep);
  void cut_to_count(int64_t k);
  void cut_to_weight(uint64_t least_weight);
  void cut_after(const Candidate& last);

  SamplingParams params_;
  int64_t vocab_;
  float log_min_p_ = 0;
  std::vector<Seen> seen_;                           // each token of prompt and answer once
  std::unordered_map<int32_t, size_t> seen_at_;      // token → its place in seen_
  std::vector<std::pair<int32_t, float>> replaced_;  // by the last adjust(): id → the model's logit
  std::vector<float> block_best_;                    // the best logit of each block of ids
  std::vector<uint64_t> block_weight_;               // filled by weigh_all
  std::vector<Candidate> candidates_;                // by id
  std::vector<Candidate> ordered_;                   // working memory
  std::vector<float> ranked_;                        // working memory
};

// log Σ exp(logits), summed as above (error ≤ vocab · 2^−40 and two rounding errors). NaN if a logit is NaN or
// +infinity or none is finite.
double log_sum_exp(const Device& device, std::span<const float> logits);

// 64 random bits of (seed, position): Philox4x32-10, key = seed, counter = position.
uint64_t random_bits(uint64_t seed, uint64_t position);

}  // namespace mang
