// parse_json makes the tree nlohmann's own parser makes, within bounds of depth and time.
#include "base/json.h"

#include <doctest/doctest.h>

#include <ctime>

using namespace mang;

namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// {"k0":0,"k1":1,…} with `count` members.
std::string many_members(size_t count) {
  std::string text = "{";
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return text + "}";
}

}  // namespace

TEST_CASE("JSON trees are those of nlohmann's parser, order and repeated names included") {
  std::string large = many_members(100);
  large.insert(large.size() - 1, R"(,"k7":[1,{"k7":null}],"k99":"last","new":{})");
  for (const std::string& text : std::initializer_list<std::string>{
           "null", "true", "-7", "7", "18446744073709551615", "1.5e300", "\"\\u00e9\\n\"", "[]", "{}", "[[],{},[{}]]",
           R"({"b":1,"a":2,"b":{"c":3}})", R"({"a":[1,2,{"x":false}],"":{"":""}})", R"({"a":{"b":1},"a":[]})", large}) {
    CAPTURE(text);
    const auto parsed = parse_json(text, "test");
    REQUIRE(parsed.ok());
    CHECK(parsed->dump() == Json::parse(text).dump());
  }
}

TEST_CASE("JSON that is broken or too deep is refused with a sentence") {
  for (const char* text : {"", "[", "{", "{\"a\"}", "[1,]", "{\"a\":1,}", "01", "1e999", "\"\\x\"", "\"\xFF\"", "nul", "1 2", "[1}"}) {
    CAPTURE(text);
    const auto parsed = parse_json(text, "test");
    REQUIRE(!parsed.ok());
    CHECK(parsed.error().message.starts_with("test: is not valid JSON: "));
  }
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(64), "test").ok());
  for (const std::string& text : {nested(65), std::string(1 << 20, '['), R"({"a":)" + nested(64) + "}"}) {
    const auto parsed = parse_json(text, "test");
    REQUIRE(!parsed.ok());
    CHECK(parsed.error().message == "test: JSON nested more than 64 levels deep is refused.");
  }
  CHECK(parse_json("[[1]]", "test", 2).ok());
  CHECK(!parse_json("[[[1]]]", "test", 2).ok());
}

TEST_CASE("An object with very many members takes time in proportion") {
  const std::string text = many_members(400000);
  const double begin = cpu_seconds();
  const auto parsed = parse_json(text, "test");
  CHECK(cpu_seconds() - begin < 20);  // comparing each name with all before it takes minutes
  REQUIRE(parsed.ok());
  CHECK(parsed->size() == 400000);
}
