// UTF-8 and the Unicode properties tokenizers depend on. The tables are generated (unicode_data.cpp) and expanded
// once into two-stage tables; a lookup is two loads.
// Bytes that are not UTF-8 stay what they are: each one decodes to its own value above the last code point, has no
// property, and encodes back to the same byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mang {

inline constexpr char32_t kInvalidByte = 0x110000;  // + the byte
inline constexpr char32_t kEndOfText = 0xFFFFFFFF;

enum class Category : uint8_t {  // general category, in the order of the generated table
  Cn, Cc, Cf, Co, Cs, Ll, Lm, Lo, Lt, Lu, Mc, Me, Mn, Nd, Nl, No, Pc, Pd, Pe, Pf, Pi, Po, Ps, Sc, Sk, Sm, So, Zl, Zp, Zs
};
using CategoryMask = uint32_t;
constexpr CategoryMask mask_of(Category c) { return CategoryMask{1} << static_cast<int>(c); }
template <typename... C>
constexpr CategoryMask mask_of(Category first, C... rest) { return mask_of(first) | mask_of(rest...); }
inline constexpr CategoryMask kLetters = mask_of(Category::Ll, Category::Lm, Category::Lo, Category::Lt, Category::Lu);
inline constexpr CategoryMask kMarks = mask_of(Category::Mc, Category::Me, Category::Mn);
inline constexpr CategoryMask kNumbers = mask_of(Category::Nd, Category::Nl, Category::No);
inline constexpr CategoryMask kPunctuations = mask_of(Category::Pc, Category::Pd, Category::Pe, Category::Pf,
                                                      Category::Pi, Category::Po, Category::Ps);
inline constexpr CategoryMask kSymbols = mask_of(Category::Sc, Category::Sk, Category::Sm, Category::So);

struct Decoded {
  char32_t value;
  uint32_t length;  // bytes, at least 1
};

// The character at p < end. Overlong forms, surrogates and cut sequences are invalid bytes.
inline Decoded decode_utf8(const char* p, const char* end) {
  const auto* u = reinterpret_cast<const uint8_t*>(p);
  const uint8_t a = u[0];
  if (a < 0x80) return {a, 1};
  const auto left = end - p;
  const auto tail = [](uint8_t b) { return (b & 0xC0) == 0x80; };
  if (a >= 0xC2 && a < 0xE0) {
    if (left >= 2 && tail(u[1])) return {char32_t((a & 0x1F) << 6 | (u[1] & 0x3F)), 2};
  } else if (a >= 0xE0 && a < 0xF0) {
    if (left >= 3 && tail(u[1]) && tail(u[2])) {
      const char32_t c = (a & 0x0F) << 12 | (u[1] & 0x3F) << 6 | (u[2] & 0x3F);
      if (c >= 0x800 && (c < 0xD800 || c > 0xDFFF)) return {c, 3};
    }
  } else if (a >= 0xF0 && a < 0xF5) {
    if (left >= 4 && tail(u[1]) && tail(u[2]) && tail(u[3])) {
      const char32_t c = (a & 0x07) << 18 | (u[1] & 0x3F) << 12 | (u[2] & 0x3F) << 6 | (u[3] & 0x3F);
      if (c >= 0x10000 && c < 0x110000) return {c, 4};
    }
  }
  return {kInvalidByte + a, 1};
}

void append_utf8(std::string& out, char32_t c);  // an invalid byte's value appends that byte
std::string to_utf8(char32_t c);
bool is_one_character(std::string_view text);
bool is_utf8(std::string_view text);
// The text with each maximal ill-formed part replaced by U+FFFD (Unicode 16, section 3.9, as Rust and WHATWG do).
std::string replace_invalid_utf8(std::string_view text);
// How many of the last bytes could be the beginning of a character that is not complete (0 … 3).
size_t incomplete_suffix(std::string_view text);

class Unicode {
 public:
  static const Unicode& get();  // built at first use, then never changed

  [[nodiscard]] Category category(char32_t c) const { return static_cast<Category>(properties(c) & 31); }
  [[nodiscard]] CategoryMask category_bit(char32_t c) const { return CategoryMask{1} << (properties(c) & 31); }
  [[nodiscard]] bool is(char32_t c, CategoryMask mask) const { return (category_bit(c) & mask) != 0; }
  [[nodiscard]] bool is_space(char32_t c) const { return (properties(c) & kSpaceBit) != 0; }  // White_Space
  [[nodiscard]] bool is_han(char32_t c) const { return (properties(c) & kHanBit) != 0; }
  // False: the character stands as it is in NFC and never joins or moves past the one before it.
  [[nodiscard]] bool nfc_unstable(char32_t c) const { return (properties(c) & kNfcBit) != 0; }

  // 5 bits of category, then the bits below. c up to kInvalidByte + 255.
  static constexpr uint8_t kSpaceBit = 32;
  static constexpr uint8_t kHanBit = 64;
  static constexpr uint8_t kNfcBit = 128;
  [[nodiscard]] uint8_t properties(char32_t c) const { return blocks_[pages_[c >> 8] * 256u + (c & 255)]; }

 private:
  Unicode();
  std::vector<uint16_t> pages_;
  std::vector<uint8_t> blocks_;
};

// Rarer properties, by binary search.
bool is_word(char32_t c);            // \w: letters, marks, decimal digits, connectors, Alphabetic
bool is_word_outside_brackets(char32_t c);  // Oniguruma's \w and \b not in a class: also ² ³ ¹ ¼ ½ ¾
bool is_numeric(char32_t c);         // Digits
bool is_punctuation(char32_t c);     // Punctuation
bool is_combining_mark(char32_t c);  // StripAccents
// The script's ranges as (first, last) pairs, appended to `out`; false: no such script. Names as in \p{Han}.
bool script_ranges(std::string_view name, std::vector<std::pair<char32_t, char32_t>>& out);
void append_lower_case(std::string& out, char32_t c);
// Every character equal to c under (?i), c included.
std::vector<char32_t> case_variants(char32_t c);
// True when a part of the text (lower case) is what a single character folds to ("ss" for ß).
bool has_case_expansion(const std::vector<char32_t>& folded);
char32_t simple_fold(char32_t c);

}  // namespace mang
