// The log probabilities of /v1/completions: four lists side by side, as lm-eval and others read them.
#pragma once

#include "base/json.h"
#include "engine/sampler.h"
#include "text/tokenizer.h"

namespace mang::serve {

class CompletionLogprobs {
 public:
  explicit CompletionLogprobs(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  // known: false for the first token of a prompt, of which nothing is known.
  void add(const SampledToken& token, bool known = true);
  // {"tokens", "token_logprobs", "top_logprobs", "text_offset"} of what was added since the last time.
  Json take();

 private:
  // A token as text; "bytes:\xe2\x80" where its bytes are no text on their own.
  [[nodiscard]] std::string name_of(int32_t id) const;

  const Tokenizer* tokenizer_;
  Json tokens_ = Json::array(), logprobs_ = Json::array(), top_ = Json::array(), offsets_ = Json::array();
  int64_t offset_ = 0;  // characters before the next token
};

}  // namespace mang::serve
