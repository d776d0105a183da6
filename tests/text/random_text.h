// Random texts for tests that compare two ways of doing the same.
#pragma once

#include <random>
#include <string>

#include "text/unicode.h"

namespace mang::testing {

class RandomText {
 public:
  explicit RandomText(uint32_t seed) : random_(seed) {}

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  // Words, spaces, digits, punctuation, scripts, marks, invalid bytes: what splitting patterns tell apart.
  std::string text(uint32_t max_parts) {
    static const char* const kParts[] = {
        "a",  "Z",  "the", " ",  "  ", "\n", "\r\n", "\t", "1",  "42", "'s", "'LL", "'ſ", "'",  "é",  "e\xCC\x81", "ế",
        "中", "文", "ひ",  "カ", "々", "〇", "한",   "م",  "िक", "ǅ",  "ʰ",  "!",   "?!", "/",  "$",  "+",         "_",
        ".",  ",",  "😀",  "‍",  "️",  "²",  "Ⅷ",    "٣",  " ",  "　", "\xE2\x80\xA8", "\x01", "\xFF", "\xE4\xBD", "ß", "K"};
    std::string out;
    for (uint32_t n = below(max_parts) + 1; n > 0; --n) {
      if (below(8) == 0) {
        char32_t c = below(0x110000);
        if (c >= 0xD800 && c < 0xE000) c = 'x';
        append_utf8(out, c);
      } else {
        out += kParts[below(std::size(kParts))];
      }
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

}  // namespace mang::testing
