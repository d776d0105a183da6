// A conversation as clients of the OpenAI API send it → as chat templates read it.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace mang::serve {

// Content in parts becomes one text; arguments of tool calls, a string of JSON, become the object they say; several
// system messages at the beginning become one; "developer" is "system" under another name. What a model of text cannot
// take, an image for one, is an error that says where it stands.
Result<Json> template_messages(const Json& messages);

// A content, `where` in errors: text stays as it is, parts become one text, null stays null.
Result<Json> text_of(const Json& content, const std::string& where);
// One part of a content: {"type": "text", "text"} and its kin.
Result<std::string> text_of_part(const Json& part, const std::string& where);

}  // namespace mang::serve
