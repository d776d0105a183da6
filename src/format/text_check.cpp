#include "format/text_check.h"

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>

namespace mang {

namespace {

// The length of the well-formed UTF-8 sequence at the start of a non-empty text, or 0. Unicode 16, table 3-7.
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogates
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (lead == 0xF0 && byte(1) < 0x90) return 0;  // overlong
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // above U+10FFFF
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// C0 and C1 controls and DEL: what a terminal may obey.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7F;
  return sequence.size() == 2 && first == 0xC2 && static_cast<uint8_t>(sequence[1]) < 0xA0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = sequence_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string printable(std::string_view text, size_t max_bytes) {
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const size_t n = sequence_length(text);
    const size_t step = n == 0 ? 1 : n;
    if (used + step > max_bytes) return out + "…";
    if (n == 0 || is_control(text.substr(0, n))) {
      for (size_t i = 0; i < step; ++i) out += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[i]));
    } else {
      out += text.substr(0, n);
    }
    used += step;
    text.remove_prefix(step);
  }
  return out;
}

std::string in_quotes(std::string_view text, size_t max_bytes) {
  return fmt::format("'{}'", printable(text, max_bytes));
}

}  // namespace mang
