// The stand-in characters of byte-level BPE: each byte has a printable character, the byte's own where Latin-1 has a
// printable one, else the next free one from U+0100. Source: GPT-2's encoder.py (bytes_to_unicode).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mang {

char32_t byte_stand_in(uint8_t byte);
int stand_in_byte(char32_t c);  // −1: not a stand-in

std::string bytes_to_stand_ins(std::string_view bytes);
// Nothing if any character is not a stand-in.
std::optional<std::string> stand_ins_to_bytes(std::string_view text);

// SentencePiece's tokens for bytes: "<0x0A>" → 10; −1: not a byte token.
int byte_of_token(std::string_view token);

}  // namespace mang
