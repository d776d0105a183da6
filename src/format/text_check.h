// Checks on text that came from a file: is it UTF-8, and how to show it in a message without harm.
#pragma once

#include <string>
#include <string_view>

namespace mang {

// Well-formed UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

// 'text' in quotes for a message: control characters and bytes that are not UTF-8 become \xNN, and what is longer
// than max_bytes is cut with "…", so that a hostile name can neither flood nor drive a terminal.
[[nodiscard]] std::string in_quotes(std::string_view text, size_t max_bytes = 80);

// The same without the quotes.
[[nodiscard]] std::string printable(std::string_view text, size_t max_bytes);

}  // namespace mang
