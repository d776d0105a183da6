// POST /v1/messages and /v1/messages/count_tokens, as Anthropic's clients send them and read their answers. Documented
// at https://docs.anthropic.com/en/api/messages.
#pragma once

#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

void add_anthropic_messages(Router& router, Service& service);

}  // namespace mang::serve
