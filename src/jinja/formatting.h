// Python's three ways to format: "%d" % x, "{}".format(x), and the format specifications both share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jinja/runtime.h"

namespace mang::jinja {

// format % arguments. A safe format escapes what is put in.
Result<Value> format_printf(Runtime& rt, const Value& format, const Value& arguments);
// "…".format(*arguments, **arguments).
Result<Value> format_braces(Runtime& rt, const Value& format, const Arguments& arguments);
// format(value, spec).
Result<std::string> format_value(Runtime& rt, const Value& value, std::string_view spec);

// Digits of a float by one of the letters e f g (or E F G) with `precision` digits, without its sign; `alternate`
// keeps the point and the zeros. inf and nan are words.
std::string format_real(double magnitude, char letter, int precision, bool alternate);

inline constexpr int64_t kMaxPrecision = 10'000;

}  // namespace mang::jinja
