// One request to a model, whichever API it came by: its prompts and their choices are answered together, each token is
// told to a listener, and when the client goes, the model stops.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/reasoning.h"
#include "engine/engine.h"
#include "serve/api_error.h"
#include "serve/http.h"
#include "serve/model_host.h"

namespace mang::serve {

struct GenerationRequest {
  std::vector<std::vector<int32_t>> prompts;
  SamplingParams sampling;
  int choices = 1;                         // for each prompt, each with its own seed: sampling.seed, + 1, + 2 …
  bool chat = false;                       // the answer may begin with reasoning, which is told apart
  std::optional<int32_t> prompt_logprobs;  // as Request's
};

struct ChoicePart {
  std::string reasoning, text;        // either may be empty
  std::optional<SampledToken> token;  // none: text that was held back, at the end
};

struct ChoiceEnd {
  FinishReason reason = FinishReason::error;
  std::string stop_string;
  int64_t reasoning_tokens = 0;
  uint64_t seed = 0;
  RequestStats stats;
};

// Choices are numbered through: those of the first prompt, those of the second … Told on one thread; the last call is
// the end of the last choice, or on_error().
class GenerationListener {
 public:
  virtual ~GenerationListener() = default;
  // Where prompt_logprobs were asked for, before anything else of the choice.
  virtual void on_prompt(int /*choice*/, const std::vector<SampledToken>& /*tokens*/) {}
  virtual void on_part(int choice, const ChoicePart& part) = 0;
  virtual void on_end(int choice, const ChoiceEnd& end) = 0;
  // The model failed: nothing more comes.
  virtual void on_error(const Error& error) = 0;
};

// Begins. A prompt without room for an answer is answered as such, with both numbers; other errors, of what the engine
// refuses before anything was computed, are returned.
Result<void> generate_for(const std::shared_ptr<ModelHost>& host, GenerationRequest request,
                          std::shared_ptr<GenerationListener> listener, const RequestPtr& http,
                          const std::shared_ptr<Exchange>& exchange, ErrorWords words);

}  // namespace mang::serve
