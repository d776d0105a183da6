// How many columns of a terminal text takes: two for East Asian wide characters and emoji (UAX #11), none for combining
// marks, one for the rest. What a terminal does with sequences of emoji joined into one differs; they are counted apart.
#pragma once

#include <cstddef>
#include <string_view>

namespace mang {

// 0, 1 or 2. Control characters count 0.
size_t display_width(char32_t c);
// Of UTF-8 text; a byte that is none counts 1.
size_t display_width(std::string_view text);
// True where a line may be broken beside the character without a space: Han, kana, hangul, wide symbols.
bool is_wide(char32_t c);

}  // namespace mang
