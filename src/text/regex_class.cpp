#include "text/regex_class.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/unicode.h"

namespace mang::regex_detail {

namespace {

constexpr int kMaxDepth = 16;

struct NamedMask {
  std::string_view name;
  CategoryMask mask;
};

constexpr CategoryMask kOtherCategories =
    mask_of(Category::Cc, Category::Cf, Category::Cn, Category::Co, Category::Cs);
constexpr CategoryMask kSeparators = mask_of(Category::Zl, Category::Zp, Category::Zs);

constexpr std::array<NamedMask, 44> kCategoryNames = {{
    {"C", kOtherCategories}, {"L", kLetters}, {"M", kMarks}, {"N", kNumbers}, {"P", kPunctuations}, {"S", kSymbols},
    {"Z", kSeparators}, {"Other", kOtherCategories}, {"Letter", kLetters}, {"Mark", kMarks}, {"Number", kNumbers},
    {"Punctuation", kPunctuations}, {"Symbol", kSymbols}, {"Separator", kSeparators},
    {"Cc", mask_of(Category::Cc)}, {"Cf", mask_of(Category::Cf)}, {"Cn", mask_of(Category::Cn)},
    {"Co", mask_of(Category::Co)}, {"Cs", mask_of(Category::Cs)}, {"Ll", mask_of(Category::Ll)},
    {"Lm", mask_of(Category::Lm)}, {"Lo", mask_of(Category::Lo)}, {"Lt", mask_of(Category::Lt)},
    {"Lu", mask_of(Category::Lu)}, {"Mc", mask_of(Category::Mc)}, {"Me", mask_of(Category::Me)},
    {"Mn", mask_of(Category::Mn)}, {"Nd", mask_of(Category::Nd)}, {"Nl", mask_of(Category::Nl)},
    {"No", mask_of(Category::No)}, {"Pc", mask_of(Category::Pc)}, {"Pd", mask_of(Category::Pd)},
    {"Pe", mask_of(Category::Pe)}, {"Pf", mask_of(Category::Pf)}, {"Pi", mask_of(Category::Pi)},
    {"Po", mask_of(Category::Po)}, {"Ps", mask_of(Category::Ps)}, {"Sc", mask_of(Category::Sc)},
    {"Sk", mask_of(Category::Sk)}, {"Sm", mask_of(Category::Sm)}, {"So", mask_of(Category::So)},
    {"Zl", mask_of(Category::Zl)}, {"Zp", mask_of(Category::Zp)}, {"Zs", mask_of(Category::Zs)},
}};

// The ranges of each category, collected in one pass over all characters.
const std::array<std::vector<CharSet::Range>, 30>& category_ranges() {
  static const auto table = [] {
    std::array<std::vector<CharSet::Range>, 30> out;
    const Unicode& unicode = Unicode::get();
    for (char32_t c = 0; c <= CharSet::kLast; ++c) {
      auto& ranges = out[static_cast<size_t>(unicode.category(c))];
      if (!ranges.empty() && ranges.back().second + 1 == c) {
        ranges.back().second = c;
      } else {
        ranges.emplace_back(c, c);
      }
    }
    return out;
  }();
  return table;
}

CharSet of_mask(CategoryMask mask) {
  std::vector<CharSet::Range> ranges;
  for (size_t category = 0; category < 30; ++category) {
    if ((mask >> category & 1) == 0) continue;
    const auto& more = category_ranges()[category];
    ranges.insert(ranges.end(), more.begin(), more.end());
  }
  return CharSet::from_ranges(std::move(ranges));
}

CharSet space_set() {
  return CharSet::from_ranges({{0x09, 0x0D}, {0x20, 0x20}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680},
                               {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                               {0x3000, 0x3000}});
}

const CharSet& word_set(bool in_brackets) {
  static const CharSet inside = CharSet::where([](char32_t c) { return is_word(c); });
  static const CharSet outside = CharSet::where([](char32_t c) { return is_word_outside_brackets(c); });
  return in_brackets ? inside : outside;
}

// [:alpha:] and the like, as Oniguruma defines them for Unicode.
Result<CharSet> posix_set(std::string_view name) {
  if (name == "space") return space_set();
  if (name == "digit") return of_mask(mask_of(Category::Nd));
  if (name == "word") return word_set(true);
  if (name == "upper") return of_mask(mask_of(Category::Lu));
  if (name == "cntrl") return of_mask(mask_of(Category::Cc));
  if (name == "xdigit") return CharSet::from_ranges({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
  if (name == "ascii") return CharSet::of(0, 127);
  return fail("the class [:{}:] is not supported.", name);
}

bool hex_value(char c, uint32_t& out) {
  if (c >= '0' && c <= '9') out = static_cast<uint32_t>(c - '0');
  else if (c >= 'a' && c <= 'f') out = static_cast<uint32_t>(c - 'a' + 10);
  else if (c >= 'A' && c <= 'F') out = static_cast<uint32_t>(c - 'A' + 10);
  else return false;
  return true;
}

// Up to max_digits hexadecimal digits, at least one.
Result<char32_t> parse_hex(std::string_view pattern, size_t& position, size_t max_digits) {
  uint32_t value = 0;
  size_t digits = 0;
  uint32_t digit = 0;
  while (digits < max_digits && position < pattern.size() && hex_value(pattern[position], digit)) {
    value = value * 16 + digit;
    ++digits;
    ++position;
  }
  if (digits == 0 || value >= kInvalidByte) return fail("a hexadecimal escape does not name a character.");
  return value;
}

// Adds what (?i) adds. Only ASCII is taken: beyond it some characters equal several others in a row.
Result<CharSet> with_case(const CharSet& set, bool ignore_case) {
  if (!ignore_case) return set;
  std::vector<CharSet::Range> ranges = set.ranges();
  for (const auto& [first, last] : set.ranges()) {
    if (last > 127) return fail("a class with characters beyond ASCII under (?i) is not supported.");
    for (char32_t c = first; c <= last; ++c) {
      for (char32_t variant : case_variants(c)) ranges.emplace_back(variant, variant);
    }
  }
  return CharSet::from_ranges(std::move(ranges));
}

// One member of a bracket: a set, or a character that may begin a range.
struct Item {
  bool is_set = false;
  CharSet set;
  char32_t character = 0;
};

Result<Item> parse_item(std::string_view pattern, size_t& position, bool ignore_case, int depth) {
  const char c = pattern[position];
  if (c == '[') {
    if (position + 1 < pattern.size() && pattern[position + 1] == ':') {
      const size_t end = pattern.find(":]", position + 2);
      if (end == std::string_view::npos) return fail("a [:class:] is not closed.");
      std::string_view name = pattern.substr(position + 2, end - position - 2);
      const bool negate = !name.empty() && name[0] == '^';
      if (negate) name.remove_prefix(1);
      MANG_TRY(CharSet set, posix_set(name));
      position = end + 2;
      return Item{true, negate ? set.complement() : std::move(set), 0};
    }
    ++position;
    MANG_TRY(CharSet set, parse_bracket(pattern, position, ignore_case, depth + 1));
    return Item{true, std::move(set), 0};
  }
  if (c == '\\') {
    ++position;
    if (position >= pattern.size()) return fail("the pattern ends in a backslash.");
    if (pattern[position] == 'p' || pattern[position] == 'P') {
      MANG_TRY(CharSet set, parse_property(pattern, position, true));
      return Item{true, std::move(set), 0};
    }
    if (CharSet set; escape_set(pattern[position], true, set)) {
      ++position;
      return Item{true, std::move(set), 0};
    }
    if (pattern[position] == 'b') {  // backspace, inside brackets
      ++position;
      return Item{false, {}, 8};
    }
    MANG_TRY(char32_t character, parse_escaped_character(pattern, position));
    return Item{false, {}, character};
  }
  const Decoded d = decode_utf8(pattern.data() + position, pattern.data() + pattern.size());
  if (d.value >= kInvalidByte) return fail("the pattern is not UTF-8.");
  position += d.length;
  return Item{false, {}, d.value};
}

}  // namespace

Result<CharSet> property_set(std::string_view name, bool in_brackets) {
  bool negate = false;
  if (!name.empty() && name[0] == '^') {
    negate = true;
    name.remove_prefix(1);
  }
  CharSet set;
  bool known = false;
  for (const auto& [category, mask] : kCategoryNames) {
    if (category == name) {
      set = of_mask(mask);
      known = true;
    }
  }
  if (!known) {
    std::vector<CharSet::Range> ranges;
    if (script_ranges(name, ranges)) {
      set = CharSet::from_ranges(std::move(ranges));
      known = true;
    }
  }
  if (!known && (name == "Any")) {
    set = CharSet::of(0, CharSet::kLast);
    known = true;
  }
  if (!known && (name == "White_Space" || name == "Space")) {
    set = space_set();
    known = true;
  }
  if (!known && name == "Word") {
    set = word_set(in_brackets);
    known = true;
  }
  if (!known) return fail("\\p{{{}}} is not supported.", name);
  return negate ? set.complement() : set;
}

bool escape_set(char letter, bool in_brackets, CharSet& out) {
  switch (letter) {
    case 's': out = space_set(); return true;
    case 'S': out = space_set().complement(); return true;
    case 'd': out = of_mask(mask_of(Category::Nd)); return true;
    case 'D': out = of_mask(mask_of(Category::Nd)).complement(); return true;
    case 'w': out = word_set(in_brackets); return true;
    case 'W': out = word_set(in_brackets).complement(); return true;
    case 'h': out = CharSet::from_ranges({{'0', '9'}, {'a', 'f'}, {'A', 'F'}}); return true;
    case 'H': out = CharSet::from_ranges({{'0', '9'}, {'a', 'f'}, {'A', 'F'}}).complement(); return true;
    default: return false;
  }
}

Result<CharSet> parse_property(std::string_view pattern, size_t& position, bool in_brackets) {
  const bool negate = pattern[position] == 'P';
  ++position;
  if (position >= pattern.size() || pattern[position] != '{') return fail("\\p is not followed by {{…}}.");
  const size_t end = pattern.find('}', position);
  if (end == std::string_view::npos) return fail("\\p{{…}} is not closed.");
  MANG_TRY(CharSet set, property_set(pattern.substr(position + 1, end - position - 1), in_brackets));
  position = end + 1;
  return negate ? set.complement() : set;
}

Result<char32_t> parse_escaped_character(std::string_view pattern, size_t& position) {
  if (position >= pattern.size()) return fail("the pattern ends in a backslash.");
  const char c = pattern[position++];
  switch (c) {
    case 'n': return char32_t{'\n'};
    case 'r': return char32_t{'\r'};
    case 't': return char32_t{'\t'};
    case 'f': return char32_t{'\f'};
    case 'v': return char32_t{'\v'};
    case 'a': return char32_t{7};
    case 'e': return char32_t{27};
    case 'u': {
      if (pattern.size() - position < 4) return fail("\\u needs four hexadecimal digits.");
      const size_t begin = position;
      MANG_TRY(char32_t value, parse_hex(pattern, position, 4));
      if (position - begin != 4) return fail("\\u needs four hexadecimal digits.");
      return value;
    }
    case 'x': {
      if (position < pattern.size() && pattern[position] == '{') {
        ++position;
        MANG_TRY(char32_t value, parse_hex(pattern, position, 8));
        if (position >= pattern.size() || pattern[position] != '}') return fail("\\x{{…}} is not closed.");
        ++position;
        return value;
      }
      MANG_TRY(char32_t value, parse_hex(pattern, position, 2));
      if (value > 127) return fail("\\x with a byte beyond ASCII is not supported; write \\x{{…}}.");
      return value;
    }
    default: break;
  }
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (alphanumeric) return fail("\\{} is not supported.", c);
  --position;
  const Decoded d = decode_utf8(pattern.data() + position, pattern.data() + pattern.size());
  if (d.value >= kInvalidByte) return fail("the pattern is not UTF-8.");
  position += d.length;
  return d.value;
}

Result<CharSet> parse_bracket(std::string_view pattern, size_t& position, bool ignore_case, int depth) {
  if (depth > kMaxDepth) return fail("classes nested more than {} deep are refused.", kMaxDepth);
  bool negate = false;
  if (position < pattern.size() && pattern[position] == '^') {
    negate = true;
    ++position;
  }
  if (position < pattern.size() && pattern[position] == ']') return fail("a class that begins with ] is not supported.");
  std::vector<CharSet::Range> members;  // of the part since the last &&
  CharSet result;
  bool has_result = false;
  const auto close_part = [&]() -> Result<void> {
    MANG_TRY(CharSet part, with_case(CharSet::from_ranges(std::move(members)), ignore_case));
    result = has_result ? result.intersected(part) : std::move(part);
    has_result = true;
    members.clear();
    return {};
  };
  while (true) {
    if (position >= pattern.size()) return fail("a class is not closed.");
    if (pattern[position] == ']') break;
    if (pattern.substr(position, 2) == "&&") {
      position += 2;
      MANG_TRY(close_part());
      continue;
    }
    MANG_TRY(Item item, parse_item(pattern, position, ignore_case, depth));
    if (item.is_set) {
      members.insert(members.end(), item.set.ranges().begin(), item.set.ranges().end());
      continue;
    }
    char32_t last = item.character;
    const bool range = position + 1 < pattern.size() && pattern[position] == '-' && pattern[position + 1] != ']';
    if (range) {
      ++position;
      MANG_TRY(Item end, parse_item(pattern, position, ignore_case, depth));
      if (end.is_set || end.character < item.character) return fail("a range in a class has no valid end.");
      last = end.character;
    }
    members.emplace_back(item.character, last);
  }
  ++position;
  MANG_TRY(close_part());
  return negate ? result.complement() : result;
}

}  // namespace mang::regex_detail
