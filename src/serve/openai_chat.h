// POST /v1/chat/completions, as OpenAI's clients send it and read its answer. Documented at
// https://platform.openai.com/docs/api-reference/chat.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_openai_chat(Router& router, Service& service);

}  // namespace mang::serve
