#include "chat/messages.h"

#include <doctest/doctest.h>

#include "jinja/template.h"

namespace mang {
namespace {

TEST_CASE("messages are checked and kept as they are") {
  const auto json = parse_messages(
      R"([{"role": "user", "content": [{"type": "text", "text": "a"}], "extra": {"z": 1, "a": null}}])", "m.json");
  REQUIRE(json.ok());
  CHECK((*json)[0].dump() == R"({"role":"user","content":[{"type":"text","text":"a"}],"extra":{"z":1,"a":null}})");
}

TEST_CASE("what is no conversation is refused with its place") {
  const auto message = [](const char* text) {
    const auto json = parse_messages(text, "m.json");
    REQUIRE_FALSE(json.ok());
    return json.error().message;
  };
  CHECK(message("{}") == "m.json: expected a JSON array of messages.");
  CHECK(message("[]") == "m.json: the conversation is empty; it needs at least one message.");
  CHECK(message("[1]") == "m.json: message 1 is not a JSON object.");
  CHECK(message(R"([{"role": "user"}, {"content": "x"}])").starts_with("m.json: message 2 has no \"role\""));
  CHECK(message(R"([{"role": 5}])").starts_with("m.json: message 1 has no \"role\""));
  CHECK_FALSE(parse_messages("[", "m.json").ok());
  CHECK_FALSE(parse_tools("[5]", "t.json").ok());
  CHECK(parse_tools("[]", "t.json").ok());
}

TEST_CASE("JSON becomes template values with order and numbers kept") {
  const auto json =
      parse_json(R"({"b": [1, -2, 1.5, 18446744073709551615, 9223372036854775807, true, null, "é"], "a": {}})", "x");
  REQUIRE(json.ok());
  const auto value = to_template_value(*json);
  auto page = jinja::Template::parse("{{ x }}", "t");
  REQUIRE(page.ok());
  const auto text = page->render(jinja::Value::dict({{"x", value}}), {});
  REQUIRE(text.ok());
  CHECK(*text == "{'b': [1, -2, 1.5, 18446744073709551615, 9223372036854775807, True, None, 'é'], 'a': {}}");
}

}  // namespace
}  // namespace mang
