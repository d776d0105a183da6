// What Python's str methods know about Unicode, and UTF-8 by code points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mang::jinja::unicode {

// Properties of a code point, as str.isalpha and so on see it.
enum Property : uint16_t {
  kAlpha = 1,
  kDecimal = 2,
  kDigit = 4,
  kNumeric = 8,
  kSpace = 16,
  kUpper = 32,
  kLower = 64,
  kTitle = 128,
  kPrintable = 256,
  kIdStart = 512,
  kIdContinue = 1024,
  kCased = 2048,
  kCaseIgnorable = 4096,
};
uint16_t properties(char32_t c);
inline bool has(char32_t c, Property p) { return (properties(c) & p) != 0; }
// The value of a decimal digit (kDecimal), 0–9.
int decimal_value(char32_t c);

// Decodes the code point at `at` and moves past it. A byte that is not valid UTF-8 counts as one code point U+FFFD.
char32_t decode(std::string_view text, size_t& at);
// Where the code point before `at` starts; at > 0.
size_t previous(std::string_view text, size_t at);
void append(std::string& out, char32_t c);
size_t count(std::string_view text);
// Byte offset of the n-th code point; text.size() when there are fewer.
size_t offset_of(std::string_view text, size_t n);
bool is_valid(std::string_view text);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string casefold(std::string_view text);
std::string title(std::string_view text);
std::string capitalize(std::string_view text);
std::string swapcase(std::string_view text);

// The offsets where whitespace at the ends stops.
std::string_view strip(std::string_view text, bool left, bool right);
// A line boundary of str.splitlines.
bool is_line_break(char32_t c);
// Python's str.isidentifier.
bool is_identifier(std::string_view text);

}  // namespace mang::jinja::unicode
