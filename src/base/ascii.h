// Letters and spaces of ASCII, whatever the locale: for names, headers and digests, not for people's texts.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace mang {

inline std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

inline constexpr std::string_view kAsciiSpaces = " \t\n\v\f\r";

// Without spaces at the end.
inline std::string_view ascii_right_trimmed(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kAsciiSpaces) + 1);
}

// Without spaces at either end.
inline std::string_view ascii_trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kAsciiSpaces), text.size()));
  return ascii_right_trimmed(text);
}

}  // namespace mang
