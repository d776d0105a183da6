// The parts of OpenAI's answers that several of its APIs have in common.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "serve/generation.h"

namespace mang::serve {

// "stop" or "length".
std::string openai_finish_reason(FinishReason reason);

// What only this server says of an answer: seed, waiting time, time to first token, what came from the cache.
Json mang_words(const std::vector<ChoiceEnd>& ends);

// usage, timings (in milliseconds, by llama.cpp's names) and "mang": the seed that was drawn, waiting time, time to
// first token, what came from the cache, which fields were ignored. ends: of all choices, per_prompt of each prompt.
void add_openai_figures(const std::vector<ChoiceEnd>& ends, size_t per_prompt, const std::vector<std::string>& ignored,
                        Json& answer);

// One token of a chat's logprobs.content.
Json chat_logprob(const SampledToken& token, const Tokenizer& tokenizer);

}  // namespace mang::serve
