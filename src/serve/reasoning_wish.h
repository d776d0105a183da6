// How much a model should think before it answers, as clients of several APIs ask for it → the variables of its chat
// template.
#pragma once

#include "base/json.h"
#include "base/json_fields.h"
#include "base/result.h"
#include "chat/template.h"

namespace mang::serve {

// Reads chat_template_kwargs (variables, as they are), reasoning_effort ("none", "minimal", "low", "medium", "high")
// and enable_thinking. Errors: an effort that this model's template does not know.
Result<void> read_reasoning_wish(JsonFields& fields, const ChatTemplate& page, Json& variables);

}  // namespace mang::serve
