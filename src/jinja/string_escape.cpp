#include "jinja/string_escape.h"

#include <cstdint>

#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
  return -1;
}

// \xHH, \uHHHH, \UHHHHHHHH: `at` stands behind the letter.
Result<char32_t> read_hex(std::string_view text, size_t& at, char letter) {
  const size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
  uint32_t code = 0;
  for (size_t i = 0; i < digits; ++i, ++at) {
    const int digit = at < text.size() ? hex_digit(text[at]) : -1;
    if (digit < 0) return fail("truncated \\{} escape in a string", letter);
    code = code * 16 + static_cast<uint32_t>(digit);
  }
  if (code > 0x10FFFF) return fail("illegal Unicode character \\U{:08x} in a string", code);
  return static_cast<char32_t>(code);
}

char32_t read_octal(std::string_view text, size_t& at) {
  char32_t code = 0;
  for (int i = 0; i < 3 && at < text.size() && text[at] >= '0' && text[at] <= '7'; ++i, ++at) {
    code = code * 8 + static_cast<char32_t>(text[at] - '0');
  }
  return code;
}

// A backslash before a character beyond ASCII: jinja2 turns the character into its own escape first, so the backslash
// escapes that escape's backslash and the letters of the escape remain.
void append_escaped_escape(std::string& out, char32_t c) {
  out.push_back('\\');
  if (c < 0x100) {
    out += fmt::format("x{:02x}", static_cast<uint32_t>(c));
  } else if (c < 0x10000) {
    out += fmt::format("u{:04x}", static_cast<uint32_t>(c));
  } else {
    out += fmt::format("U{:08x}", static_cast<uint32_t>(c));
  }
}

}  // namespace

Result<std::string> unescape_string(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    if (at >= text.size()) return fail("\\ at the end of a string");
    const char e = text[at];
    constexpr std::string_view letters = "\\'\"abfnrtv", values = "\\'\"\a\b\f\n\r\t\v";
    if (const size_t place = letters.find(e); place != std::string_view::npos) {
      out.push_back(values[place]);
      ++at;
    } else if (e == '\n') {
      ++at;
    } else if (e >= '0' && e <= '7') {
      unicode::append(out, read_octal(text, at));
    } else if (e == 'x' || e == 'u' || e == 'U') {
      ++at;
      MANG_TRY(char32_t code, read_hex(text, at, e));
      unicode::append(out, code);
    } else if (e == 'N') {
      return fail("\\N{{…}} names in strings are not supported; write the character itself");
    } else if (static_cast<unsigned char>(e) >= 0x80) {
      append_escaped_escape(out, unicode::decode(text, at));
    } else {
      out.push_back('\\');
    }
  }
  return out;
}

}  // namespace mang::jinja
