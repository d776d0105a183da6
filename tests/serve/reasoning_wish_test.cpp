// Wishes to think, in the words of several APIs, and what they become for a template.
#include "serve/reasoning_wish.h"

#include <doctest/doctest.h>

namespace mang::test {
namespace {

ChatTemplate page_of(const std::string& text) { return ChatTemplate::create(text, "test", {}).value(); }

TEST_CASE("a template's switch is turned on and off") {
  const ChatTemplate page = page_of("{% if enable_thinking %}<think>{% endif %}");
  Json variables = Json::object();
  CHECK(serve::set_thinking("think", false, page, variables).ok());
  CHECK(variables == Json{{"enable_thinking", false}});
  CHECK(serve::set_thinking("think", true, page, variables).ok());
  CHECK(variables == Json{{"enable_thinking", true}});
}

TEST_CASE("a model that always thinks may be asked to, one that never does only not to") {
  Json variables = Json::object();
  const ChatTemplate always = page_of("{{ messages }}<think>\n"), never = page_of("{{ messages }}");
  CHECK(serve::set_thinking("think", true, always, variables).ok());
  CHECK(serve::set_thinking("think", false, always, variables).ok());
  CHECK(serve::set_thinking("think", false, never, variables).ok());
  const Result<void> refused = serve::set_thinking("think", true, never, variables);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("'think'") == 0);
  CHECK(variables.empty());
}

TEST_CASE("an effort goes to templates that know efforts, and turns the switch of the others") {
  Json variables = Json::object();
  CHECK(serve::set_effort("think", "low", page_of("{{ reasoning_effort }}"), variables).ok());
  CHECK(variables == Json{{"reasoning_effort", "low"}});
  variables = Json::object();
  CHECK(serve::set_effort("think", "high", page_of("{{ enable_thinking }}"), variables).ok());
  CHECK(variables == Json{{"enable_thinking", true}});
  CHECK(!serve::set_effort("think", "high", page_of("{{ messages }}"), variables).ok());
  CHECK(!serve::set_effort("think", "very", page_of("{{ reasoning_effort }}"), variables).ok());
}

}  // namespace
}  // namespace mang::test
