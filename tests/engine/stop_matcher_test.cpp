#include "engine/stop_matcher.h"

#include <doctest/doctest.h>

#include <random>

namespace mang {
namespace {

struct Outcome {
  std::string text;
  std::string stop;
  bool operator==(const Outcome&) const = default;
};

// The definition: byte by byte, the first end of any stop string, the longest that ends there.
Outcome expected(const std::vector<std::string>& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    std::string found;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop) && stop.size() > found.size()) found = stop;
    }
    if (!found.empty()) return {text.substr(0, end - found.size()), found};
  }
  return {text, ""};
}

TEST_CASE("stop strings are found however the text is cut, and nothing of them is handed out") {
  std::mt19937 random(1);
  const auto word = [&](size_t most) {
    std::string s;
    for (size_t n = 1 + random() % most; n > 0; --n) s += static_cast<char>('a' + random() % 2);
    return s;
  };
  int found = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> stops;
    for (size_t n = random() % 4; n > 0; --n) stops.push_back(word(6));
    const std::string text = word(30);
    const Outcome want = expected(stops, text);
    StopMatcher matcher(stops);
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t n = random() % 5;  // pieces may be empty
      out += matcher.feed(std::string_view(text).substr(at, n));
      at += n;
      REQUIRE(want.text.starts_with(out));
    }
    out += matcher.finish();
    REQUIRE(out == want.text);
    REQUIRE((matcher.matched() == nullptr ? "" : *matcher.matched()) == want.stop);
    found += !want.stop.empty();
  }
  CHECK(found > 1000);
}

TEST_CASE("only what may begin a stop string is held back") {
  StopMatcher matcher({"<end>", "\nUser:"});
  CHECK(matcher.feed("Hello") == "Hello");
  CHECK(matcher.feed(" <") == " ");
  CHECK(matcher.feed("en") == "");
  CHECK(matcher.feed("emy") == "<enemy");
  CHECK(matcher.feed("\nUs") == "");
  CHECK(matcher.feed("er: me") == "");
  REQUIRE(matcher.matched() != nullptr);
  CHECK(*matcher.matched() == "\nUser:");
  CHECK(matcher.feed("more") == "");
  CHECK(matcher.finish() == "");
}

TEST_CASE("characters are never cut") {
  StopMatcher matcher({"măng!"});
  std::string out;
  for (const char c : std::string("mă măn măng?")) out += matcher.feed(std::string(1, c));
  out += matcher.finish();
  CHECK(out == "mă măn măng?");
  StopMatcher whole({"ăx"});
  CHECK(whole.feed("mă") == "m");  // not half of ă
  CHECK(whole.feed("y") == "ăy");
}

TEST_CASE("hostile patterns cost time in proportion to the text") {
  const StopMatcher made(std::vector<std::string>(64, std::string(4095, 'a') + "b"));
  StopMatcher matcher = made;
  for (int i = 0; i < 100; ++i) matcher.feed(std::string(100, 'a'));
  CHECK(matcher.matched() == nullptr);
  CHECK(matcher.finish().size() == 4095);
}

}  // namespace
}  // namespace mang
