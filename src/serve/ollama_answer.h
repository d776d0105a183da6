// An answer in Ollama's words: a line of JSON for each piece of it, or one for all.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "serve/generation.h"

namespace mang::serve {

struct OllamaAnswerOptions {
  bool chat = false;  // /api/chat, whose text is a message; /api/generate has a "response"
  bool stream = true;
  bool logprobs = false;
  std::string model;                            // as the client called it
  std::vector<std::string> ignored;             // fields of the request that changed nothing
  std::chrono::steady_clock::time_point begun;  // when the request was there
  double load_seconds = 0;                      // from then until the model was
};

// Of one choice. Keeps a reference to the tokenizer, which the host owns.
std::shared_ptr<GenerationListener> ollama_answer(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer,
                                                  OllamaAnswerOptions options);

// To a request without a prompt, which is answered when the model is loaded.
Json ollama_loaded(const OllamaAnswerOptions& options);

}  // namespace mang::serve
