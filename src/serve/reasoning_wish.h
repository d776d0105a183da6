// How much a model should think before it answers, as clients of several APIs ask for it → the variables of its chat
// template.
#pragma once

#include <string>

#include "base/json.h"
#include "base/json_fields.h"
#include "base/result.h"
#include "chat/template.h"

namespace mang::serve {

// Reads chat_template_kwargs (variables, as they are), reasoning_effort ("none", "minimal", "low", "medium", "high")
// and enable_thinking. Errors: an effort that this model's template does not know.
Result<void> read_reasoning_wish(JsonFields& fields, const ChatTemplate& page, Json& variables);

// The same for APIs with other words. `name`: of their field, for errors.
// effort: as reasoning_effort.
Result<void> set_effort(const char* name, const std::string& effort, const ChatTemplate& page, Json& variables);
// To think or not. Errors: to think, where the model's template neither can be told nor speaks of it. A model that
// always thinks cannot be kept from it, and one that never does needs not be.
Result<void> set_thinking(const char* name, bool on, const ChatTemplate& page, Json& variables);

}  // namespace mang::serve
