// What a caller may ask of the sampler, and what is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mang {

struct GenerationDefaults;  // load/load_model.h

inline constexpr int32_t kMostLogprobs = 128;  // that are told of one token

// Applied to a row of logits in this order (the order of Hugging Face's generate, with the penalties and biases of
// the OpenAI API between): repetition penalty, presence and frequency penalty, logit bias, then at temperature 0 the
// best id, else temperature, top_k, top_p, min_p and the draw. engine/sampler.h says exactly what each step computes.
struct SamplingParams {
  float temperature = 0;         // 0: the best token, always. 0 … 100
  int32_t top_k = 0;             // the k best; 0: off
  float top_p = 1;               // the fewest best with this much probability together; 1: off. 0 … 1
  float min_p = 0;               // those with at least min_p × the best one's probability; 0: off. 0 … 1
  float repetition_penalty = 1;  // of tokens in the prompt or the answer: logit ÷ penalty, or × if negative. 0.01 … 100
  float presence_penalty = 0;   // subtracted once for a token already in the answer. −100 … 100
  float frequency_penalty = 0;  // subtracted once for each time a token is in the answer. −100 … 100
  std::vector<std::pair<int32_t, float>> logit_bias;  // (id, added to its logit); −infinity bans it. |bias| ≤ 10,000
  uint64_t seed = 0;  // a drawn token depends on the logits, the seed and its position, on nothing else

  std::vector<std::string> stop;      // the answer ends before the first of these; at most 64, 1 … 4,096 bytes each
  std::vector<int32_t> stop_ids;      // these end the answer too, beside the tokenizer's end-of-generation ids
  bool ignore_eog = false;            // the tokenizer's end-of-generation ids do not end the answer (benchmarks)
  std::optional<int64_t> max_tokens;  // nullopt: until the context is full. 0: only the prompt is read
  std::optional<int32_t> logprobs;    // log probability of each token and of the n best beside it. 0 … 128
};

// The publisher's defaults as parameters, still to be validated. Where nothing is said about sampling, neither whether
// nor with which temperature, the best token is taken, as Hugging Face's generate does.
SamplingParams params_from(const GenerationDefaults& defaults);

// Refuses what is out of range, with the range, before anything is allocated for it. vocab: rows of the head.
Result<void> validate(const SamplingParams& params, int64_t vocab);

}  // namespace mang
