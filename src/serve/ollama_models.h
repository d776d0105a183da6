// What Ollama's clients ask about models: /api/tags, /api/show, /api/ps, /api/version, /api/pull, and GET /, by which
// they know the server. What would change the models is refused.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_ollama_models(Router& router, Service& service);

}  // namespace mang::serve
