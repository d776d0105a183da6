// Character classes of regular expressions: \p{…}, \s and its like, [:posix:], [brackets].
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/char_set.h"

namespace mang::regex_detail {

// "L", "Lu", "Han", "Alphabetic", "^L", …
Result<CharSet> property_set(std::string_view name, bool in_brackets);
// The letter of \s \S \d \D \w \W \h \H; false: it is none of them. In brackets \w is a few characters smaller.
bool escape_set(char letter, bool in_brackets, CharSet& out);

// A class in brackets; `position` is after "[" and ends after "]". Shares its escapes with the parser.
Result<CharSet> parse_bracket(std::string_view pattern, size_t& position, bool ignore_case, int depth);
// A single character written as an escape; `position` is after the backslash.
Result<char32_t> parse_escaped_character(std::string_view pattern, size_t& position);
// \p{…} or \P{…}; `position` is at the letter.
Result<CharSet> parse_property(std::string_view pattern, size_t& position, bool in_brackets);

}  // namespace mang::regex_detail
