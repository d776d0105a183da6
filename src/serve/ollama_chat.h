// POST /api/chat and /api/generate, as Ollama's clients send them and read their answers. Documented at
// https://docs.ollama.com/api.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_ollama_chat(Router& router, Service& service);

}  // namespace mang::serve
