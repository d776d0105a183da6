// Numbers as Python writes and reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jinja/value.h"

namespace mang::jinja {

// repr(float): the shortest digits that read back the same.
std::string real_repr(double d);
// repr of an int of any size.
std::string integer_repr(const Value& value);

// int(text, base): whitespace around, sign, underscores between digits, prefixes where the base allows them.
// nullopt: not a number. A number beyond 64 bits is a Big (base 10 only).
Result<std::optional<Value>> parse_integer(std::string_view text, int base);
// float(text), with inf and nan.
std::optional<double> parse_real(std::string_view text);
// int(float): truncates; an error for inf and nan.
Result<Value> real_to_integer(double d);
// round(x, digits) for floats, half to even on the decimal value.
double round_real(double d, int64_t digits);

// A Value for decimal digits, as small as fits.
Value integer_from_decimal(bool negative, std::string_view digits);

}  // namespace mang::jinja
