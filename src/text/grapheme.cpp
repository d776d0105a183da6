#include "text/grapheme.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "text/unicode.h"
#include "text/unicode_data.h"

namespace mang {

namespace {

enum class Break : uint8_t {  // in the order of the generated table
  kOther, kControl, kExtend, kPrepend, kSpacingMark, kL, kV, kT, kLV, kLVT, kRegional, kZwj, kPictographic
};
enum class Conjunct : uint8_t { kNone, kLinker, kConsonant, kExtend };

template <int shift>
uint32_t property(std::span<const uint32_t> table, char32_t c) {
  const auto it = std::upper_bound(table.begin(), table.end(), c,
                                   [](char32_t value, uint32_t entry) { return value < entry >> shift; });
  return it == table.begin() ? 0 : *std::prev(it) & ((1u << shift) - 1);
}

Break break_of(char32_t c) {
  return c >= kInvalidByte ? Break::kControl : static_cast<Break>(property<5>(unicode_data::kGraphemeBreaks, c));
}
Conjunct conjunct_of(char32_t c) {
  return c >= kInvalidByte ? Conjunct::kNone : static_cast<Conjunct>(property<2>(unicode_data::kConjuncts, c));
}

bool hangul_joins(Break a, Break b) {  // GB6 … GB8
  switch (a) {
    case Break::kL: return b == Break::kL || b == Break::kV || b == Break::kLV || b == Break::kLVT;
    case Break::kLV:
    case Break::kV: return b == Break::kV || b == Break::kT;
    case Break::kLVT:
    case Break::kT: return b == Break::kT;
    default: return false;
  }
}

}  // namespace

size_t grapheme_length(std::string_view text) {
  const char* const end = text.data() + text.size();
  const Decoded first = decode_utf8(text.data(), end);
  size_t length = first.length;
  Break last = break_of(first.value);
  if (first.value == '\r' && length < text.size() && text[length] == '\n') return 2;  // GB3
  // What came before within the cluster, as far as the rules ask.
  bool pictographic = last == Break::kPictographic;  // then extends
  bool pictographic_zwj = false;
  size_t regionals = last == Break::kRegional ? 1 : 0;
  bool consonant = conjunct_of(first.value) == Conjunct::kConsonant;
  bool linker = false;
  while (length < text.size()) {
    const Decoded d = decode_utf8(text.data() + length, end);
    const Break next = break_of(d.value);
    const Conjunct conjunct = conjunct_of(d.value);
    bool joins = false;
    if (last == Break::kControl || next == Break::kControl) {  // GB4, GB5
      joins = false;
    } else if (next == Break::kExtend || next == Break::kZwj || next == Break::kSpacingMark ||
               last == Break::kPrepend) {  // GB9, 9a, 9b
      joins = true;
    } else if (consonant && linker && conjunct == Conjunct::kConsonant) {  // GB9c
      joins = true;
    } else if (pictographic_zwj && next == Break::kPictographic) {  // GB11
      joins = true;
    } else if (last == Break::kRegional && next == Break::kRegional) {  // GB12, 13
      joins = regionals % 2 == 1;
    } else {
      joins = hangul_joins(last, next);
    }
    if (!joins) break;
    pictographic_zwj = pictographic && next == Break::kZwj;
    pictographic = next == Break::kPictographic || (pictographic && next == Break::kExtend);
    regionals = next == Break::kRegional ? regionals + 1 : 0;
    if (conjunct == Conjunct::kConsonant) {
      consonant = true;
      linker = false;
    } else if (conjunct == Conjunct::kLinker) {
      linker = consonant;
    } else if (conjunct == Conjunct::kNone) {
      consonant = false;
      linker = false;
    }
    last = next;
    length += d.length;
  }
  return length;
}

}  // namespace mang
