// The hand-written scanners against the regular expression engine.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "random_text.h"
#include "text/regex.h"
#include "text/split_scanner.h"

using namespace mang;
using namespace mang::testing;

namespace {

std::vector<std::pair<size_t, size_t>> by_scanner(ScanFunction scan, std::string_view text) {
  std::vector<std::pair<size_t, size_t>> out;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Match m = scan(Unicode::get(), p, end);
    if (m.begin == m.end) break;
    out.emplace_back(m.begin - text.data(), m.end - text.data());
    p = m.end;
  }
  return out;
}

std::vector<std::pair<size_t, size_t>> by_engine(const Regex& regex, std::string_view text) {
  std::vector<std::pair<size_t, size_t>> out;
  RegexFinder finder(regex, text);
  size_t begin = 0, end = 0;
  while (finder.next(begin, end)) out.emplace_back(begin, end);
  return out;
}

}  // namespace

TEST_CASE("Scanners find what their patterns find") {
  using namespace split_patterns;
  RandomText random(1);
  for (std::string_view pattern :
       {kGpt2, kLlama3, kQwen2, kO200k, kTekken, kKimi, kDigits3, kDigit, kCjk, kDeepseek3}) {
    CAPTURE(pattern);
    const ScanFunction scan = find_scanner(pattern);
    REQUIRE((scan != nullptr));
    const auto regex = Regex::compile(pattern);
    REQUIRE(regex.ok());
    for (int i = 0; i < 4000; ++i) {
      const std::string text = random.text(14);
      const auto found = by_scanner(scan, text);
      if (found != by_engine(*regex, text)) FAIL_CHECK("differs on " << text);
    }
  }
  CHECK((find_scanner("[a-z]+") == nullptr));
}

TEST_CASE("A split leaves no character out, on any bytes") {
  RandomText random(2);
  for (std::string_view pattern : {split_patterns::kGpt2, split_patterns::kLlama3, split_patterns::kO200k}) {
    for (int i = 0; i < 500; ++i) {
      std::string text;
      for (int n = 0; n < 40; ++n) text += static_cast<char>(random.below(256));
      size_t covered = 0;
      for (const auto& [begin, end] : by_scanner(find_scanner(pattern), text)) {
        CHECK(begin == covered);
        covered = end;
      }
      CHECK(covered == text.size());
    }
  }
}
