#include <doctest/doctest.h>

#include <string>

#include "golden_files.h"
#include "random_text.h"
#include "text/char_set.h"
#include "text/grapheme.h"
#include "text/normalize.h"
#include "text/unicode.h"

using namespace mang;
using namespace mang::testing;

namespace {

class Fnv {
 public:
  void add(std::string_view bytes) {
    for (char b : bytes) value_ = (value_ ^ static_cast<uint8_t>(b)) * 0x100000001B3;
  }
  [[nodiscard]] std::string hex() const { return fmt::format("{:016x}", value_); }

 private:
  uint64_t value_ = 0xCBF29CE484222325;
};

template <typename F>
std::string sum(F&& f) {
  Fnv fnv;
  for (char32_t c = 0; c < kInvalidByte; ++c) {
    if (c < 0xD800 || c > 0xDFFF) fnv.add(f(c));
  }
  return fnv.hex();
}

template <typename F>
std::string sum_flags(F&& f) {
  return sum([&](char32_t c) { return std::string(1, f(c) ? '\1' : '\0'); });
}

}  // namespace

TEST_CASE("Properties of all characters are Hugging Face's") {
  const Unicode& u = Unicode::get();
  auto golden = parse_json(golden_text("unicode.json"), "unicode.json");
  REQUIRE(golden.ok());
  const auto expect = [&](const char* name, const std::string& found) {
    CAPTURE(name);
    CHECK((*golden)[name].get<std::string>() == found);
  };
  expect("space", sum_flags([&](char32_t c) { return u.is_space(c); }));
  expect("white", sum_flags([&](char32_t c) { return u.is_space(c); }));
  expect("word", sum_flags([&](char32_t c) { return is_word(c); }));
  expect("letter", sum_flags([&](char32_t c) { return u.is(c, kLetters); }));
  expect("mark", sum_flags([&](char32_t c) { return u.is(c, kMarks); }));
  expect("number", sum_flags([&](char32_t c) { return u.is(c, kNumbers); }));
  expect("han", sum_flags([&](char32_t c) { return u.is_han(c); }));
  expect("digits", sum_flags([&](char32_t c) { return is_numeric(c); }));
  expect("punctuation", sum_flags([&](char32_t c) { return is_punctuation(c); }));
  expect("accent", sum_flags([&](char32_t c) { return is_combining_mark(c); }));
  expect("lower", sum([&](char32_t c) {
           std::string out;
           append_lower_case(out, c);
           return out;
         }));
  expect("NFC", sum([&](char32_t c) { return normalize_unicode(to_utf8(c), NormalizationForm::kNfc); }));
  expect("NFD", sum([&](char32_t c) { return normalize_unicode(to_utf8(c), NormalizationForm::kNfd); }));
  expect("NFKC", sum([&](char32_t c) { return normalize_unicode(to_utf8(c), NormalizationForm::kNfkc); }));
  expect("NFKD", sum([&](char32_t c) { return normalize_unicode(to_utf8(c), NormalizationForm::kNfkd); }));
}

TEST_CASE("Texts normalize as Hugging Face's do") {
  for (const Json& line : golden_lines("normalize.jsonl")) {
    const auto text = line["text"].get<std::string>();
    CAPTURE(text);
    CHECK(normalize_unicode(text, NormalizationForm::kNfc) == line["NFC"].get<std::string>());
    CHECK(normalize_unicode(text, NormalizationForm::kNfd) == line["NFD"].get<std::string>());
    CHECK(normalize_unicode(text, NormalizationForm::kNfkc) == line["NFKC"].get<std::string>());
    CHECK(normalize_unicode(text, NormalizationForm::kNfkd) == line["NFKD"].get<std::string>());
    if (is_nfc_quick(text)) CHECK(line["NFC"].get<std::string>() == text);
  }
}

TEST_CASE("UTF-8 decodes what it encodes, and invalid bytes stay themselves") {
  for (char32_t c = 0; c < kInvalidByte; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string text = to_utf8(c);
    const Decoded d = decode_utf8(text.data(), text.data() + text.size());
    REQUIRE(d.value == c);
    REQUIRE(d.length == text.size());
  }
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80", "\xE4\xBD", "\xFF"}) {
    const std::string text = bad;
    std::string again;
    for (size_t i = 0; i < text.size();) {
      const Decoded d = decode_utf8(text.data() + i, text.data() + text.size());
      CHECK(d.length == 1);
      append_utf8(again, d.value);
      i += d.length;
    }
    CHECK(again == text);
    CHECK(!is_utf8(text));
  }
}

TEST_CASE("Invalid parts become U+FFFD as the standard recommends") {
  CHECK(replace_invalid_utf8("a\xF1\x80\x80\xE1\x80\xC2z") == "a\uFFFD\uFFFD\uFFFDz");
  CHECK(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  CHECK(replace_invalid_utf8("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(replace_invalid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\x41\uFFFD\uFFFD\x42");
}

TEST_CASE("A cut character is held back, and only that") {
  const std::string text = "aé中😀";
  size_t complete[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (size_t n = 0; n <= text.size(); ++n) {
    CHECK(n - incomplete_suffix(std::string_view(text).substr(0, n)) == complete[n]);
  }
  CHECK(incomplete_suffix("\xE4\x41") == 0);
  CHECK(incomplete_suffix("\xF0\x80") == 0);
  CHECK(incomplete_suffix("\x80\x80") == 0);
}

TEST_CASE("Sets of characters") {
  RandomText random(3);
  for (int round = 0; round < 200; ++round) {
    const auto make = [&] {
      std::vector<CharSet::Range> ranges;
      for (uint32_t n = random.below(5); n > 0; --n) {
        const char32_t first = random.below(300);
        ranges.emplace_back(first, first + random.below(40));
      }
      return CharSet::from_ranges(ranges);
    };
    const CharSet a = make(), b = make();
    const CharSet either = a.united(b), both = a.intersected(b), neither = a.complement();
    for (char32_t c = 0; c < 400; ++c) {
      CHECK(either.contains(c) == (a.contains(c) || b.contains(c)));
      CHECK(both.contains(c) == (a.contains(c) && b.contains(c)));
      CHECK(neither.contains(c) == !a.contains(c));
    }
    CHECK(neither.contains(CharSet::kLast));
  }
}

TEST_CASE("Grapheme clusters") {
  CHECK(grapheme_length("\r\nx") == 2);
  CHECK(grapheme_length("e\u0301x") == 3);
  CHECK(grapheme_length("👨‍👩‍👧x") == std::string("👨‍👩‍👧").size());
  CHECK(grapheme_length("🇻🇳🇺🇸") == std::string("🇻🇳").size());
  CHECK(grapheme_length("각x") == 3);
  CHECK(grapheme_length("\u1112\u1161\u11ABx") == 9);
  CHECK(grapheme_length("क्षि") == std::string("क्षि").size());
  CHECK(grapheme_length("a\x01") == 1);
}
