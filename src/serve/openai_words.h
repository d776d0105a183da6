// The parts of OpenAI's answers that several of its APIs have in common.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "serve/generation.h"

namespace mang::serve {

// "stop" or "length".
std::string openai_finish_reason(FinishReason reason);

// Of all choices together; the prompt counts once.
Json openai_usage(const std::vector<ChoiceEnd>& ends);

// Times in milliseconds and speeds, by the names llama.cpp's server gives them.
Json timings(const ChoiceEnd& end);

// What only this server says, under "mang": the seed that was drawn, waiting time, time to first token, what came from
// the cache.
Json mang_words(const std::vector<ChoiceEnd>& ends);

// One token of a chat's logprobs.content.
Json chat_logprob(const TokenReport& token, const Tokenizer& tokenizer);

}  // namespace mang::serve
