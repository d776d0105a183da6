// Conversations as their users write them: a JSON array of messages, kept as it is (unknown fields too), because a
// chat template may read any of them.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "jinja/value.h"

namespace mang {

// Checks that `text` is a JSON array of objects, each with a "role" that is a string. `what` names the source in
// errors.
Result<Json> parse_messages(std::string_view text, std::string_view what);

// Checks that `text` is a JSON array of objects (tool schemas as the OpenAI API has them).
Result<Json> parse_tools(std::string_view text, std::string_view what);

// JSON as a template sees it: objects become dicts in their order, integers stay integers (all that JSON can hold in
// 64 bits, signed or unsigned), other numbers are floats.
jinja::Value to_template_value(const Json& json);

}  // namespace mang
