// Python's textwrap.wrap and pprint.pformat, behind the filters wordwrap and pprint.
#pragma once

#include <string>
#include <string_view>

#include "jinja/operators.h"

namespace mang::jinja {

struct WrapOptions {
  int64_t width = 79;
  bool break_long_words = true;
  bool break_on_hyphens = true;
  std::string_view between = "\n";
};
// Each line of the text wrapped on its own.
Result<std::string> wrap_text(Runtime& rt, std::string_view text, const WrapOptions& options);

Result<std::string> pretty_print(Runtime& rt, const Value& value);

}  // namespace mang::jinja
