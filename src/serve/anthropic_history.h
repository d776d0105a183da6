// A conversation as clients of the Anthropic API send it → as chat templates read it.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace mang::serve {

// `system` and `messages` as they stand in the request; null: left out. Calls of tools become "tool_calls", their
// results messages of the role "tool", thinking becomes "reasoning_content"; turns of the same side that follow each
// other become one. Errors: what a model of text cannot take; a conversation that ends with an answer, which would have
// to be continued.
Result<Json> messages_from_anthropic(const Json* system, const Json* messages);

}  // namespace mang::serve
