#include "jinja/unicode.h"

#include <doctest/doctest.h>

#include <vector>

#include "jinja/text_search.h"

namespace mang::jinja {
namespace {

TEST_CASE("code points forwards and backwards, over any bytes") {
  const std::string text = "aé€🎋\xff\xc3\xe2\x82z\xf0\x9f\x8e";
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size();) {
    starts.push_back(at);
    unicode::decode(text, at);
  }
  CHECK(unicode::count(text) == starts.size());
  size_t at = text.size();
  for (size_t i = starts.size(); i-- > 0;) {
    at = unicode::previous(text, at);
    CHECK(at == starts[i]);
    CHECK(unicode::offset_of(text, i) == starts[i]);
  }
}

TEST_CASE("every code point survives its encoding") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string text;
    unicode::append(text, c);
    size_t at = 0;
    REQUIRE(unicode::decode(text, at) == c);
    REQUIRE(at == text.size());
  }
}

TEST_CASE("case follows Unicode, not ASCII") {
  CHECK(unicode::upper("straße ŉ ﬀ") == "STRASSE ʼN FF");
  CHECK(unicode::lower("ΟΔΥΣΣΕΥΣ Σ") == "οδυσσευς σ");
  CHECK(unicode::title("ǆ they're") == "ǅ They'Re");
  CHECK(unicode::casefold("ẞΣς") == "ssσσ");
  CHECK(unicode::swapcase("aÉ") == "Aé");
  CHECK(unicode::capitalize("éCOLE") == "École");
}

TEST_CASE("search agrees with the plain search") {
  uint64_t state = 1;
  const auto next = [&](size_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(state >> 33) % n;
  };
  for (int i = 0; i < 3000; ++i) {
    std::string text, part;
    for (size_t n = next(40); n > 0; --n) text.push_back("ab"[next(2)]);
    for (size_t n = next(6); n > 0; --n) part.push_back("ab"[next(2)]);
    REQUIRE(find_bytes(text, part) == text.find(part));
    REQUIRE(rfind_bytes(text, part) == text.rfind(part));
  }
  const std::string text(100'000, 'a'), part = std::string(50'000, 'a') + "b";
  CHECK(find_bytes(text, part) == std::string::npos);
  CHECK(find_bytes(text + "b", part) == 50'000);
}

}  // namespace
}  // namespace mang::jinja
