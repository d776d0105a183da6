#include "text/byte_level.h"

#include <array>

#include "text/unicode.h"

namespace mang {

namespace {

constexpr bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

struct StandIns {
  std::array<char32_t, 256> of_byte{};
  std::array<int16_t, 512> of_character{};
  constexpr StandIns() {
    for (auto& b : of_character) b = -1;
    char32_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t c = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
      of_byte[static_cast<size_t>(byte)] = c;
      of_character[c] = static_cast<int16_t>(byte);
    }
  }
};

constexpr StandIns kStandIns;

}  // namespace

char32_t byte_stand_in(uint8_t byte) { return kStandIns.of_byte[byte]; }

int stand_in_byte(char32_t c) { return c < kStandIns.of_character.size() ? kStandIns.of_character[c] : -1; }

std::string bytes_to_stand_ins(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char b : bytes) append_utf8(out, byte_stand_in(static_cast<uint8_t>(b)));
  return out;
}

std::optional<std::string> stand_ins_to_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    const int byte = stand_in_byte(d.value);
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
    p += d.length;
  }
  return out;
}

int byte_of_token(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return -1;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  const int high = digit(token[3]);
  const int low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace mang
