// An answer in the words of the Anthropic API, as a whole or as a stream of named events. Documented at
// https://docs.anthropic.com/en/api/messages-streaming.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "serve/generation.h"

namespace mang::serve {

struct AnthropicAnswerOptions {
  std::string model;
  bool stream = false;
  int64_t prompt_tokens = 0;
  std::vector<std::string> ignored;  // fields of the request that changed nothing
};

// Of one choice.
std::shared_ptr<GenerationListener> anthropic_answer(std::shared_ptr<Exchange> exchange,
                                                     AnthropicAnswerOptions options);

}  // namespace mang::serve
