#include "text/display_width.h"

#include <algorithm>
#include <iterator>

#include "text/unicode.h"
#include "text/unicode_data.h"

namespace mang {

bool is_wide(char32_t c) {
  if (c < unicode_data::kWide[0]) return false;
  // Pairs of first and last: an odd place is inside.
  const auto* const end = std::end(unicode_data::kWide);
  const auto* const at = std::lower_bound(std::begin(unicode_data::kWide), end, static_cast<uint32_t>(c));
  if (at == end) return false;
  return *at == c || (at - std::begin(unicode_data::kWide)) % 2 == 1;
}

size_t display_width(char32_t c) {
  if (c >= 0x20 && c < 0x7F) return 1;
  if (c >= kInvalidByte) return 1;
  if (c >= 0x1160 && c <= 0x11FF) return 0;  // vowels and finals of hangul, drawn with the consonant before them
  if (c == 0xAD) return 1;                   // a soft hyphen: terminals show it
  constexpr CategoryMask kNone = mask_of(Category::Mn, Category::Me, Category::Cf, Category::Cc);
  if (Unicode::get().is(c, kNone)) return 0;
  return is_wide(c) ? 2 : 1;
}

size_t display_width(std::string_view text) {
  size_t columns = 0;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    columns += display_width(c.value);
    p += c.length;
  }
  return columns;
}

}  // namespace mang
