#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "golden_files.h"
#include "text/pre_tokenizer.h"
#include "text/regex.h"

using namespace mang;
using namespace mang::testing;

namespace {

struct Collect final : WordSink {
  std::vector<std::string> words;
  void word(std::string_view text) override { words.emplace_back(text); }
};

PreTokenizer isolated_split(const std::string& pattern) {
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::kSplit;
  step.pattern = {true, pattern};
  auto built = PreTokenizer::build({step}, false);
  REQUIRE_MESSAGE(built.ok(), pattern, (built.ok() ? "" : built.error().message));
  return *built;
}

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

size_t count_matches(const std::string& pattern, const std::string& text) {
  auto regex = Regex::compile(pattern);
  REQUIRE(regex.ok());
  RegexFinder finder(*regex, text);
  size_t begin = 0, end = 0, n = 0;
  while (finder.next(begin, end)) ++n;
  return n;
}

}  // namespace

TEST_CASE("Patterns split texts as Oniguruma does") {
  for (const Json& line : golden_lines("regex.jsonl")) {
    const auto pattern = line["pattern"].get<std::string>();
    CAPTURE(pattern);
    const PreTokenizer with_scanner = isolated_split(pattern);
    PreTokenizer engine = isolated_split(pattern);
    engine.forget_scanners();
    for (const Json& one : line["cases"]) {
      const auto text = one[0].get<std::string>();
      CAPTURE(text);
      for (const PreTokenizer* splitter : {&with_scanner, const_cast<const PreTokenizer*>(&engine)}) {
        Collect collect;
        splitter->run(text, 1, collect);
        CHECK(collect.words == one[1].get<std::vector<std::string>>());
      }
    }
  }
}

TEST_CASE("What is not supported is refused by name") {
  for (const char* pattern :
       {"(a", "a)", "[a", "a{2", "{2}", "*a", "(?<n>a)", "\\1", "\\X", "\\K", "\\G", "\\R", "(?<=ab)c", "(?:a*)*", "[]a]",
        "\\p{Klingon}", "[[:punct:]]", "(?i:\\p{L})", "(?i:[à-ü])", "(?i:ss)", "(?i:straße)", "a{3,2}", "a{1001}", "\\",
        "[\\", "\\p", "\\p{L", "(?#c)", "(?x:a)", "[z-a]", "\\xFF", "a{2}?", "\xFF", "\\u12", "\\x{110000}"}) {
    CAPTURE(pattern);
    const auto regex = Regex::compile(pattern);
    REQUIRE(!regex.ok());
    CHECK(regex.error().message.find("regular expression") != std::string::npos);
  }
  CHECK(!Regex::compile(std::string(20000, 'a')).ok());
  CHECK(!Regex::compile("((((a{99}){99}){99}){99})").ok());
  CHECK(!Regex::compile(std::string(100, '(') + "a" + std::string(100, ')')).ok());
  CHECK(!Regex::compile(std::string(100, '[') + "a" + std::string(100, ']')).ok());
}

TEST_CASE("Patterns that break backtracking engines take linear time") {
  for (const std::string pattern : {"(?:a|aa)+b", "a*a*a*b", "(?:a|a|ab)*c", "a+b|a", "\\s*[\\r\\n]+|a", "(?:a+)+b", ".*?x|a", "(?=a+b)a|a",
                              "(?>a|aa)+b", "(?:aa?)+?b", "\\w+(?=!)|a"}) {
    CAPTURE(pattern);
    double seconds[2] = {1e9, 1e9};
    for (int round = 0; round < 20 && (round == 0 || seconds[1] > 4 * seconds[0] + 0.01); ++round) {
      for (int i = 0; i < 2; ++i) {
        const std::string text(size_t{20000} << i, 'a');
        const double begin = cpu_seconds();
        count_matches(pattern, text);
        seconds[i] = std::min(seconds[i], cpu_seconds() - begin);
      }
    }
    CHECK(seconds[1] < 0.5);
    CHECK(seconds[1] <= 4 * seconds[0] + 0.01);
  }
}

TEST_CASE("Matches of one pattern, by hand") {
  auto regex = Regex::compile("a+?b|(?<=b)c{2,}");
  REQUIRE(regex.ok());
  RegexFinder finder(*regex, "xaabcccc");
  size_t begin = 0, end = 0;
  REQUIRE(finder.next(begin, end));
  CHECK(begin == 1);
  CHECK(end == 4);
  REQUIRE(finder.next(begin, end));
  CHECK(begin == 4);
  CHECK(end == 8);
  CHECK(!finder.next(begin, end));
}
