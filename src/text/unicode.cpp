#include "text/unicode.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>

#include "text/normalize.h"
#include "text/unicode_data.h"

namespace mang {

namespace {

using namespace unicode_data;

bool in_ranges(std::span<const uint32_t> ranges, char32_t c) {
  // The first range whose last is not below c.
  size_t low = 0;
  size_t high = ranges.size() / 2;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (ranges[2 * middle + 1] < c) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < ranges.size() / 2 && ranges[2 * low] <= c;
}

// For each character, the list of a mapping table ("code point << 5 | length", characters).
std::map<char32_t, std::span<const uint32_t>> read_mapping(std::span<const uint32_t> table) {
  std::map<char32_t, std::span<const uint32_t>> out;
  for (size_t i = 0; i < table.size();) {
    const size_t length = table[i] & 31;
    out.emplace_hint(out.end(), table[i] >> 5, table.subspan(i + 1, length));
    i += 1 + length;
  }
  return out;
}

struct CaseTables {
  std::map<char32_t, std::span<const uint32_t>> lower = read_mapping(kLowerCase);
  std::map<char32_t, std::span<const uint32_t>> classes;  // each member → all members
  std::vector<std::vector<char32_t>> expansions;

  CaseTables() {
    const std::span<const uint32_t> table(kCaseClasses);
    for (size_t i = 0; i < table.size(); i += 1 + table[i]) {
      const auto members = table.subspan(i + 1, table[i]);
      for (uint32_t member : members) classes.emplace(member, members);
    }
    const std::span<const uint32_t> list(kCaseExpansions);
    for (size_t i = 0; i < list.size(); i += 1 + (list[i] & 31)) {
      const auto characters = list.subspan(i + 1, list[i] & 31);
      expansions.emplace_back(characters.begin(), characters.end());
    }
  }
};

const CaseTables& case_tables() {
  static const CaseTables tables;
  return tables;
}

// The length of the valid character at p, or minus the length of the maximal ill-formed part.
int utf8_step(const char* p, const char* end) {
  const Decoded d = decode_utf8(p, end);
  if (d.value < kInvalidByte) return static_cast<int>(d.length);
  const auto* u = reinterpret_cast<const uint8_t*>(p);
  const auto left = end - p;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  int want = 1;
  if (u[0] >= 0xC2 && u[0] < 0xE0) want = 2;
  if (u[0] >= 0xE0 && u[0] < 0xF0) {
    want = 3;
    if (u[0] == 0xE0) low = 0xA0;
    if (u[0] == 0xED) high = 0x9F;
  }
  if (u[0] >= 0xF0 && u[0] < 0xF5) {
    want = 4;
    if (u[0] == 0xF0) low = 0x90;
    if (u[0] == 0xF4) high = 0x8F;
  }
  int good = 1;
  while (good < want && good < left && u[good] >= low && u[good] <= high) {
    ++good;
    low = 0x80;
    high = 0xBF;
  }
  return -good;
}

}  // namespace

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < kInvalidByte) {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(c & 0xFF);
  }
}

std::string to_utf8(char32_t c) {
  std::string out;
  append_utf8(out, c);
  return out;
}

bool is_one_character(std::string_view text) {
  return !text.empty() && decode_utf8(text.data(), text.data() + text.size()).length == text.size();
}

bool is_utf8(std::string_view text) {
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.value >= kInvalidByte) return false;
    p += d.length;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const int step = utf8_step(p, end);
    if (step > 0) {
      out.append(p, static_cast<size_t>(step));
      p += step;
    } else {
      out += "\xEF\xBF\xBD";
      p -= step;
    }
  }
  return out;
}

size_t incomplete_suffix(std::string_view text) {
  const char* end = text.data() + text.size();
  for (size_t n = std::min<size_t>(3, text.size()); n > 0; --n) {
    const char* p = end - n;
    const auto lead = static_cast<uint8_t>(*p);
    const size_t want = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    if (want > n && utf8_step(p, end) == -static_cast<int>(n)) return n;
  }
  return 0;
}

Unicode::Unicode() {
  constexpr uint32_t kPages = (kInvalidByte >> 8) + 1;  // the last page: invalid bytes, category Cn
  std::vector<uint8_t> flat(kPages * 256, 0);
  const std::span<const uint32_t> categories(kCategories);
  for (size_t i = 0; i < categories.size(); ++i) {
    const uint32_t first = categories[i] >> 5;
    const uint32_t last = i + 1 < categories.size() ? categories[i + 1] >> 5 : uint32_t{kInvalidByte};
    std::fill(flat.begin() + first, flat.begin() + last, static_cast<uint8_t>(categories[i] & 31));
  }
  for (char32_t c : {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85}) flat[c] |= kSpaceBit;
  for (char32_t c = 0; c < kInvalidByte; ++c) {
    const auto bit = CategoryMask{1} << (flat[c] & 31);
    if (bit & mask_of(Category::Zs, Category::Zl, Category::Zp)) flat[c] |= kSpaceBit;
  }
  std::vector<std::pair<char32_t, char32_t>> han;
  script_ranges("Han", han);
  for (const auto& [first, last] : han) {
    for (char32_t c = first; c <= last; ++c) flat[c] |= kHanBit;
  }
  for_each_nfc_unstable([&](char32_t c) { flat[c] |= kNfcBit; });

  std::map<std::string_view, uint16_t> known;
  pages_.resize(kPages);
  for (uint32_t page = 0; page < kPages; ++page) {
    const std::string_view bytes(reinterpret_cast<const char*>(flat.data()) + page * 256, 256);
    const auto [it, is_new] = known.emplace(bytes, static_cast<uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), bytes.begin(), bytes.end());
    pages_[page] = it->second;
  }
}

const Unicode& Unicode::get() {
  static const Unicode tables;
  return tables;
}

bool is_word(char32_t c) {
  constexpr CategoryMask kWord = kLetters | kMarks | mask_of(Category::Nd, Category::Pc);
  return Unicode::get().is(c, kWord) || in_ranges(kOtherWord, c);
}
bool is_word_outside_brackets(char32_t c) {
  return is_word(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
}
bool is_numeric(char32_t c) { return in_ranges(kNumeric, c); }
bool is_punctuation(char32_t c) { return in_ranges(kPunctuation, c); }
bool is_combining_mark(char32_t c) { return in_ranges(kCombiningMarks, c); }

bool script_ranges(std::string_view name, std::vector<std::pair<char32_t, char32_t>>& out) {
  const auto* found = std::find(std::begin(kScriptNames), std::end(kScriptNames), name);
  if (found == std::end(kScriptNames)) return false;
  const auto script = static_cast<uint32_t>(found - std::begin(kScriptNames)) + 1;
  const std::span<const uint32_t> table(kScripts);
  for (size_t i = 0; i < table.size(); ++i) {
    if ((table[i] & 255) != script) continue;
    const char32_t next = i + 1 < table.size() ? table[i + 1] >> 8 : uint32_t{kInvalidByte};
    out.emplace_back(table[i] >> 8, next - 1);
  }
  return true;
}

void append_lower_case(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return;
  }
  const auto& lower = case_tables().lower;
  const auto it = lower.find(c);
  if (it == lower.end()) {
    append_utf8(out, c);
  } else {
    for (uint32_t x : it->second) append_utf8(out, x);
  }
}

std::vector<char32_t> case_variants(char32_t c) {
  const auto& classes = case_tables().classes;
  const auto it = classes.find(c);
  if (it == classes.end()) return {c};
  return {it->second.begin(), it->second.end()};
}

char32_t simple_fold(char32_t c) {
  const auto variants = case_variants(c);
  // The member that is its own lower case; every class has one.
  for (char32_t v : variants) {
    std::string lower;
    append_lower_case(lower, v);
    if (lower == to_utf8(v)) return v;
  }
  return c;
}

bool has_case_expansion(const std::vector<char32_t>& folded) {
  for (const auto& expansion : case_tables().expansions) {
    if (std::search(folded.begin(), folded.end(), expansion.begin(), expansion.end()) != folded.end()) return true;
  }
  return false;
}

}  // namespace mang
