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
  int choices = 1;    // for each prompt, each with its own seed: sampling.seed, + 1, + 2 …
  bool chat = false;  // the answer may begin with reasoning, which is told apart
};

// A token of the answer, for whoever asked for log probabilities.
struct TokenReport {
  int32_t id = 0;
  float logprob = 0;
  std::vector<TokenLogprob> top;
};

struct ChoicePart {
  std::string reasoning, text;       // either may be empty
  std::optional<TokenReport> token;  // none: text that was held back, at the end
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
  virtual void on_part(int choice, const ChoicePart& part) = 0;
  virtual void on_end(int choice, const ChoiceEnd& end) = 0;
  // The model failed: nothing more comes.
  virtual void on_error(const Error& error) = 0;
};

// A prompt without room for an answer; nullopt: there is none. Both numbers are said.
std::optional<ApiError> too_long(const GenerationRequest& request, const ModelHost& host);

// Errors, before anything was computed: what the engine refuses.
Result<void> generate(const std::shared_ptr<ModelHost>& host, GenerationRequest request,
                      std::shared_ptr<GenerationListener> listener, const std::shared_ptr<Account>& account,
                      Exchange& exchange);

}  // namespace mang::serve
