// Backslash escapes of string literals, as jinja2 reads them (Python's unicode_escape).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mang::jinja {

Result<std::string> unescape_string(std::string_view literal);

}  // namespace mang::jinja
