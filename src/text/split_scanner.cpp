#include "text/split_scanner.h"

#include <array>
#include <utility>

namespace mang {

namespace split_patterns {
const std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kKimi =
    R"([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kDigits3 = R"(\p{N}{1,3})";
const std::string_view kDigit = R"(\p{N})";
const std::string_view kCjk = "[一-龥぀-ゟ゠-ヿ]+";
const std::string_view kDeepseek3 =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]"
    "*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
}  // namespace split_patterns

namespace {

constexpr CategoryMask kUpperLike =
    mask_of(Category::Lu, Category::Lt, Category::Lm, Category::Lo) | kMarks;  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr CategoryMask kLowerLike = mask_of(Category::Ll, Category::Lm, Category::Lo) | kMarks;

bool is_newline(char32_t c) { return c == '\r' || c == '\n'; }

// One character with its properties, or none at the end of the text (length 0).
struct Here {
  char32_t value = kEndOfText;
  uint32_t length = 0;
  uint8_t properties = 0;

  [[nodiscard]] bool exists() const { return length != 0; }
  [[nodiscard]] bool is(CategoryMask mask) const {
    return exists() && ((CategoryMask{1} << (properties & 31)) & mask) != 0;
  }
  [[nodiscard]] bool space() const { return (properties & Unicode::kSpaceBit) != 0; }
  [[nodiscard]] bool han() const { return (properties & Unicode::kHanBit) != 0; }
};

class Scan {
 public:
  Scan(const Unicode& unicode, const char* end) : unicode_(unicode), end_(end) {}

  [[nodiscard]] Here at(const char* p) const {
    if (p >= end_) return {};
    const Decoded d = decode_utf8(p, end_);
    return {d.value, d.length, unicode_.properties(d.value)};
  }
  // The end of the run of characters for which keep(Here) holds, at most `limit` of them.
  template <typename Keep>
  const char* run(const char* p, Keep keep, uint32_t limit = UINT32_MAX) const {
    for (; limit > 0; --limit) {
      const Here c = at(p);
      if (!c.exists() || !keep(c)) break;
      p += c.length;
    }
    return p;
  }
  const char* run_of(const char* p, CategoryMask mask, uint32_t limit = UINT32_MAX) const {
    return run(p, [mask](const Here& c) { return c.is(mask); }, limit);
  }

  // 's 't 're 've 'm 'll 'd; p itself if there is none. Any case: also ſ, which folds to s.
  template <bool any_case>
  const char* contraction(const char* p) const {
    if (end_ - p < 2 || *p != '\'') return p;
    const auto lower = [](char c) { return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    const char a = lower(p[1]);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return p + 2;
    if (any_case && end_ - p >= 3 && p[1] == '\xC5' && p[2] == '\xBF') return p + 3;  // ſ
    if (end_ - p < 3) return p;
    const char b = lower(p[2]);
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return p + 3;
    return p;
  }

  // \s*[\r\n]+ (where `newlines`), else \s+(?!\S), else \s+; p is at a space.
  template <bool newlines>
  const char* spaces(const char* p) const {
    const char* after_newline = nullptr;
    const char* last = p;
    const char* q = p;
    while (true) {
      const Here c = at(q);
      if (!c.exists() || !c.space()) break;
      last = q;
      q += c.length;
      if (newlines && is_newline(c.value)) after_newline = q;
    }
    if (newlines && after_newline != nullptr) return after_newline;
    return q == end_ || last == p ? q : last;
  }

 private:
  const Unicode& unicode_;
  const char* end_;
};

Match scan_gpt2(const Unicode& unicode, const char* p, const char* end) {
  const Scan scan(unicode, end);
  const Here first = scan.at(p);
  if (first.value == '\'') {
    if (const char* q = scan.contraction<false>(p); q != p) return {p, q};
  }
  const char* word = p;
  Here c = first;
  if (first.value == ' ') {
    word = p + 1;
    c = scan.at(word);
  }
  if (c.is(kLetters)) return {p, scan.run_of(word, kLetters)};
  if (c.is(kNumbers)) return {p, scan.run_of(word, kNumbers)};
  if (c.exists() && !c.space()) {
    return {p, scan.run(word, [](const Here& x) { return !x.space() && !x.is(kLetters | kNumbers); })};
  }
  return {p, scan.spaces<false>(p)};
}

// ` ?[^\s\p{L}\p{N}]+[\r\n]*` (with `slash` [\r\n/]*) and what follows it in the Llama 3 family; p is not at a letter
// or number that another alternative takes.
template <bool slash>
const char* others_or_spaces(const Scan& scan, const char* p, const Here& first) {
  const char* word = first.value == ' ' ? p + 1 : p;
  const Here c = first.value == ' ' ? scan.at(word) : first;
  if (c.exists() && !c.space() && !c.is(kLetters | kNumbers)) {
    const char* q = scan.run(word, [](const Here& x) { return !x.space() && !x.is(kLetters | kNumbers); });
    return scan.run(q, [](const Here& x) { return is_newline(x.value) || (slash && x.value == '/'); });
  }
  return scan.spaces<true>(p);
}

template <uint32_t max_digits>
Match scan_llama3(const Unicode& unicode, const char* p, const char* end) {
  const Scan scan(unicode, end);
  const Here first = scan.at(p);
  if (first.is(kLetters)) return {p, scan.run_of(p, kLetters)};
  if (first.is(kNumbers)) return {p, scan.run_of(p, kNumbers, max_digits)};
  if (first.value == '\'') {
    if (const char* q = scan.contraction<true>(p); q != p) return {p, q};
  }
  if (!is_newline(first.value)) {
    const char* word = p + first.length;
    if (scan.at(word).is(kLetters)) return {p, scan.run_of(word, kLetters)};
  }
  return {p, others_or_spaces<false>(scan, p, first)};
}

struct O200kOptions {
  uint32_t max_digits = 3;
  bool contractions = true;
  bool slash = true;
  bool han = false;  // runs of Han are tokens of their own
};

// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ from p, nullptr if it does not match. The first part is
// greedy and gives back: what is left for the second part is then a single character.
template <bool han>
const char* upper_then_lower(const Scan& scan, const char* p) {
  const auto wanted = [](const Here& c, CategoryMask mask) { return c.is(mask) && !(han && c.han()); };
  const char* q = p;
  const char* end_of_lower = nullptr;  // after the last character of the run that the second part could take
  while (true) {
    const Here c = scan.at(q);
    if (!wanted(c, kUpperLike)) break;
    q += c.length;
    if (c.is(kLowerLike)) end_of_lower = q;
  }
  const char* lower = scan.run(q, [&](const Here& c) { return wanted(c, kLowerLike); });
  return lower != q ? lower : end_of_lower;
}

template <bool han>
const char* upper_plus(const Scan& scan, const char* p) {
  const char* q = scan.run(p, [](const Here& c) { return c.is(kUpperLike) && !(han && c.han()); });
  if (q == p) return nullptr;
  return scan.run(q, [](const Here& c) { return c.is(kLowerLike) && !(han && c.han()); });
}

template <O200kOptions options>
Match scan_o200k(const Unicode& unicode, const char* p, const char* end) {
  constexpr bool han = options.han;
  const Scan scan(unicode, end);
  const Here first = scan.at(p);
  if (han && first.han()) return {p, scan.run(p, [](const Here& c) { return c.han(); })};
  const char* q = nullptr;
  const bool may_lead = !is_newline(first.value) && !first.is(kLetters | kNumbers);
  const char* after = p + first.length;
  if (may_lead) q = upper_then_lower<han>(scan, after);
  if (q == nullptr) q = upper_then_lower<han>(scan, p);
  if (q == nullptr && may_lead) q = upper_plus<han>(scan, after);
  if (q == nullptr) q = upper_plus<han>(scan, p);
  if (q != nullptr) {
    if constexpr (options.contractions) q = scan.contraction<true>(q);
    return {p, q};
  }
  if (first.is(kNumbers)) return {p, scan.run_of(p, kNumbers, options.max_digits)};
  return {p, others_or_spaces<options.slash>(scan, p, first)};
}

template <uint32_t max_digits>
Match scan_digits(const Unicode& unicode, const char* p, const char* end) {
  const Scan scan(unicode, end);
  const char* begin = scan.run(p, [](const Here& c) { return !c.is(kNumbers); });
  return {begin, scan.run_of(begin, kNumbers, max_digits)};
}

bool is_deepseek_cjk(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
}

Match scan_cjk(const Unicode& unicode, const char* p, const char* end) {
  const Scan scan(unicode, end);
  const char* begin = scan.run(p, [](const Here& c) { return !is_deepseek_cjk(c.value); });
  return {begin, scan.run(begin, [](const Here& c) { return is_deepseek_cjk(c.value); })};
}

bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The end of the match at p, or p: numbers and control characters match nothing on their own.
const char* match_deepseek3(const Scan& scan, const char* p) {
  constexpr CategoryMask kMarked = kPunctuations | kSymbols;
  const Here first = scan.at(p);
  const Here second = scan.at(p + first.length);
  const bool ascii_mark = first.value < 0x7F && first.is(kMarked);
  if (ascii_mark && is_ascii_letter(second.value)) {
    return scan.run(p + 1, [](const Here& c) { return is_ascii_letter(c.value); });
  }
  const bool may_lead = !is_newline(first.value) && !first.is(kLetters | kMarked);
  if (may_lead && second.is(kLetters | kMarks)) return scan.run_of(p + first.length, kLetters | kMarks);
  if (first.is(kLetters | kMarks)) return scan.run_of(p, kLetters | kMarks);
  const char* word = first.value == ' ' ? p + 1 : p;
  if ((first.value == ' ' ? second : first).is(kMarked)) {
    return scan.run(scan.run_of(word, kMarked), [](const Here& c) { return is_newline(c.value); });
  }
  return first.space() ? scan.spaces<true>(p) : p;
}

Match scan_deepseek3(const Unicode& unicode, const char* p, const char* end) {
  const Scan scan(unicode, end);
  while (p < end) {
    if (const char* q = match_deepseek3(scan, p); q != p) return {p, q};
    p += scan.at(p).length;
  }
  return {end, end};
}

constexpr O200kOptions kTekkenOptions{.max_digits = 1, .contractions = false};
constexpr O200kOptions kKimiOptions{.slash = false, .han = true};

}  // namespace

ScanFunction find_scanner(std::string_view pattern) {
  using namespace split_patterns;
  const std::array<std::pair<std::string_view, ScanFunction>, 10> known = {{
      {kGpt2, scan_gpt2},
      {kLlama3, scan_llama3<3>},
      {kQwen2, scan_llama3<1>},
      {kO200k, scan_o200k<O200kOptions{}>},
      {kTekken, scan_o200k<kTekkenOptions>},
      {kKimi, scan_o200k<kKimiOptions>},
      {kDigits3, scan_digits<3>},
      {kDigit, scan_digits<1>},
      {kCjk, scan_cjk},
      {kDeepseek3, scan_deepseek3},
  }};
  for (const auto& [text, scanner] : known) {
    if (text == pattern) return scanner;
  }
  return nullptr;
}

}  // namespace mang
