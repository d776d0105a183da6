// POST /v1/completions: prompts continued as they are, as texts or token ids, with their log probabilities where asked
// for. Documented at https://platform.openai.com/docs/api-reference/completions.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_openai_completions(Router& router, Service& service);

}  // namespace mang::serve
