#include "jinja/unicode.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace mang::jinja::unicode {
namespace {

struct Run {
  uint32_t first;
  uint16_t properties;
};
struct CaseRun {
  uint32_t first, last, stride;
  int32_t upper, lower, title, fold;  // distances
};
struct SpecialCase {
  uint32_t code;
  std::array<uint32_t, 3> upper, lower, title, fold;
};

#include "jinja/unicode_tables.inc"

enum class Form { upper, lower, title, fold };

void append_form(std::string& out, char32_t c, Form form) {
  if (c < 0x80) {  // ASCII: the common case
    const bool is_upper = c >= 'A' && c <= 'Z', is_lower = c >= 'a' && c <= 'z';
    if (is_lower && (form == Form::upper || form == Form::title)) c -= 32;
    if (is_upper && (form == Form::lower || form == Form::fold)) c += 32;
    out.push_back(static_cast<char>(c));
    return;
  }
  const auto* run = std::upper_bound(std::begin(kCaseRuns), std::end(kCaseRuns), c,
                                     [](char32_t x, const CaseRun& r) { return x < r.first; });
  if (run != std::begin(kCaseRuns)) {
    --run;
    if (c <= run->last && (c - run->first) % run->stride == 0) {
      const std::array<int32_t, 4> deltas = {run->upper, run->lower, run->title, run->fold};
      append(out, static_cast<char32_t>(static_cast<int32_t>(c) + deltas[static_cast<size_t>(form)]));
      return;
    }
  }
  const auto* special = std::lower_bound(std::begin(kSpecialCases), std::end(kSpecialCases), c,
                                         [](const SpecialCase& s, char32_t x) { return s.code < x; });
  if (special != std::end(kSpecialCases) && special->code == c) {
    const std::array<const std::array<uint32_t, 3>*, 4> forms = {&special->upper, &special->lower, &special->title,
                                                                 &special->fold};
    for (const uint32_t x : *forms[static_cast<size_t>(form)]) {
      if (x != 0) append(out, x);
    }
    return;
  }
  append(out, c);
}

// Greek sigma ends a word as ς: a cased letter before it (case-ignorable ones skipped) and none after.
bool is_final_sigma(std::string_view text, size_t start, size_t end) {
  bool cased_before = false;
  for (size_t at = start; at > 0;) {
    at = previous(text, at);
    size_t next = at;
    const uint16_t p = properties(decode(text, next));
    if (p & kCaseIgnorable) continue;
    cased_before = (p & kCased) != 0;
    break;
  }
  if (!cased_before) return false;
  for (size_t at = end; at < text.size();) {
    const uint16_t p = properties(decode(text, at));
    if (p & kCaseIgnorable) continue;
    return (p & kCased) == 0;
  }
  return true;
}

void append_lower(std::string& out, std::string_view text, size_t start, size_t end, char32_t c) {
  if (c == 0x3A3) {
    append(out, is_final_sigma(text, start, end) ? 0x3C2 : 0x3C3);
  } else {
    append_form(out, c, Form::lower);
  }
}

std::string map_all(std::string_view text, Form form) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = decode(text, at);
    if (form == Form::lower) {
      append_lower(out, text, start, at, c);
    } else {
      append_form(out, c, form);
    }
  }
  return out;
}

}  // namespace

uint16_t properties(char32_t c) {
  const auto* run =
      std::upper_bound(std::begin(kRuns), std::end(kRuns), c, [](char32_t x, const Run& r) { return x < r.first; });
  return (run - 1)->properties;
}

int decimal_value(char32_t c) {
  // Decimal digits come in runs of ten from zero up, each run starting at a code point whose predecessor is none.
  char32_t first = c;
  while (c - first < 9 && first > 0 && has(first - 1, kDecimal)) --first;
  if (c < 0x80) return static_cast<int>(c - '0');
  if (c >= 0x1D7CE && c <= 0x1D7FF) return static_cast<int>((c - 0x1D7CE) % 10);  // five runs side by side
  return static_cast<int>(c - first);
}

char32_t decode(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char b0 = byte(at);
  if (b0 < 0x80) {
    ++at;
    return b0;
  }
  const size_t extra = b0 >= 0xF0 ? 3 : b0 >= 0xE0 ? 2 : 1;
  if (b0 < 0xC2 || b0 > 0xF4 || extra > text.size() - 1 - at) {
    ++at;
    return 0xFFFD;
  }
  char32_t c = extra == 3 ? b0 & 0x07 : extra == 2 ? b0 & 0x0F : b0 & 0x1F;
  for (size_t i = 1; i <= extra; ++i) {
    const unsigned char b = byte(at + i);
    if ((b & 0xC0) != 0x80) {
      ++at;
      return 0xFFFD;
    }
    c = (c << 6) | (b & 0x3F);
  }
  // Surrogates are let through: Python's strings may hold them one by one, written as escapes.
  if ((extra == 2 && c < 0x800) || (extra == 3 && (c < 0x10000 || c > 0x10FFFF))) {
    ++at;
    return 0xFFFD;
  }
  at += extra + 1;
  return c;
}

size_t previous(std::string_view text, size_t at) {
  // The nearest start whose code point ends exactly at `at`; a stray byte is a code point of its own.
  for (size_t back = 1; back <= 4 && back <= at; ++back) {
    size_t end = at - back;
    if ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80 && back < 4) continue;
    decode(text, end);
    if (end == at) return at - back;
    break;
  }
  return at - 1;
}

void append(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

size_t count(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
  if (ascii) return text.size();
  size_t n = 0;
  for (size_t at = 0; at < text.size(); ++n) decode(text, at);
  return n;
}

size_t offset_of(std::string_view text, size_t n) {
  size_t at = 0;
  while (n > 0 && at < text.size()) {
    decode(text, at);
    --n;
  }
  return at;
}

bool is_valid(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = decode(text, at);
    if ((c == 0xFFFD && at - start == 1) || (c >= 0xD800 && c < 0xE000)) return false;
  }
  return true;
}

std::string upper(std::string_view text) { return map_all(text, Form::upper); }
std::string lower(std::string_view text) { return map_all(text, Form::lower); }
std::string casefold(std::string_view text) { return map_all(text, Form::fold); }

std::string title(std::string_view text) {
  std::string out;
  bool after_cased = false;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = decode(text, at);
    if (after_cased) {
      append_lower(out, text, start, at, c);
    } else {
      append_form(out, c, Form::title);
    }
    after_cased = has(c, kCased);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = decode(text, at);
    if (start == 0) {
      append_form(out, c, Form::title);
    } else {
      append_lower(out, text, start, at, c);
    }
  }
  return out;
}

std::string swapcase(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = decode(text, at);
    const uint16_t p = properties(c);
    if (p & kUpper) {
      append_lower(out, text, start, at, c);
    } else if (p & kLower) {
      append_form(out, c, Form::upper);
    } else {
      append(out, c);
    }
  }
  return out;
}

std::string_view strip(std::string_view text, bool left, bool right) {
  size_t begin = 0;
  size_t end = text.size();
  while (left && begin < end) {
    size_t next = begin;
    if (!has(decode(text, next), kSpace)) break;
    begin = next;
  }
  while (right && end > begin) {
    const size_t start = previous(text, end);
    size_t next = start;
    if (!has(decode(text, next), kSpace)) break;
    end = start;
  }
  return text.substr(begin, end - begin);
}

bool is_line_break(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_identifier(std::string_view text) {
  if (text.empty()) return false;
  for (size_t at = 0; at < text.size();) {
    const bool first = at == 0;
    if (!has(decode(text, at), first ? kIdStart : kIdContinue)) return false;
  }
  return true;
}

}  // namespace mang::jinja::unicode
