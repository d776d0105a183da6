#include "serve/openai_words.h"

#include <array>

namespace mang::serve {

namespace {

// A token on its own may be half a character; its bytes are always whole.
Json token_words(int32_t id, float logprob, const Tokenizer& tokenizer) {
  const std::array<int32_t, 1> one = {id};
  Json bytes = Json::array();
  for (const char c : tokenizer.token_bytes(id)) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", tokenizer.decode(one)}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
}

Json usage_of(const std::vector<ChoiceEnd>& ends, size_t per_prompt) {
  int64_t read = 0, cached = 0, written = 0, reasoning = 0, accepted = 0, rejected = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    const RequestStats& stats = ends[i].stats;
    if (i % per_prompt == 0) {  // each prompt counts once
      read += stats.prompt_tokens;
      cached += stats.cached_tokens;
    }
    written += stats.generated_tokens;
    reasoning += ends[i].reasoning_tokens;
    accepted += stats.accepted_tokens;
    rejected += stats.drafted_tokens - stats.accepted_tokens;
  }
  return {{"prompt_tokens", read},
          {"completion_tokens", written},
          {"total_tokens", read + written},
          {"prompt_tokens_details", {{"cached_tokens", cached}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", reasoning},
            {"accepted_prediction_tokens", accepted},
            {"rejected_prediction_tokens", rejected}}}};
}

Json timings_of(const ChoiceEnd& end) {
  const RequestStats& stats = end.stats;
  return {{"cache_n", stats.cached_tokens},
          {"prompt_n", stats.prompt_tokens - stats.cached_tokens},
          {"prompt_ms", stats.prefill_seconds * 1000},
          {"prompt_per_second", stats.prefill_speed()},
          {"predicted_n", stats.generated_tokens},
          {"predicted_ms", stats.decode_seconds * 1000},
          {"predicted_per_second", stats.decode_speed()}};
}

}  // namespace

std::string openai_finish_reason(FinishReason reason) {
  const bool cut = reason == FinishReason::max_tokens || reason == FinishReason::context_full;
  return cut ? "length" : "stop";
}

Json mang_words(const std::vector<ChoiceEnd>& ends) {
  const ChoiceEnd& first = ends.front();
  return {
      {"seed", first.seed},
      {"queue_ms", first.stats.queue_seconds * 1000},
      {"time_to_first_token_ms", first.stats.ttft_seconds * 1000},
      {"cache", {{"tokens", first.stats.cached_tokens}, {"end", std::string(cache_end_name(first.stats.cache_end))}}},
      {"preemptions", first.stats.preemptions}};
}

void add_openai_figures(const std::vector<ChoiceEnd>& ends, size_t per_prompt, const std::vector<std::string>& ignored,
                        Json& answer) {
  answer["usage"] = usage_of(ends, per_prompt);
  answer["timings"] = timings_of(ends.front());
  answer["mang"] = mang_words(ends);
  if (!ignored.empty()) answer["mang"]["ignored"] = ignored;
}

Json chat_logprob(const SampledToken& token, const Tokenizer& tokenizer) {
  Json out = token_words(token.id, token.logprob, tokenizer);
  out["top_logprobs"] = Json::array();
  for (const TokenLogprob& each : token.top) {
    out["top_logprobs"].push_back(token_words(each.id, each.logprob, tokenizer));
  }
  return out;
}

}  // namespace mang::serve
