#include "chat/template.h"

#include <doctest/doctest.h>

#include "chat/messages.h"

namespace mang {
namespace {

Result<std::string> render(const std::string& source, const char* messages, ChatRequest request = {}) {
  MANG_TRY(auto chat, ChatTemplate::create(source, "model.gguf", {{"bos_token", "<s>"}, {"eos_token", "</s>"}}));
  MANG_TRY(request.messages, parse_messages(messages, "messages"));
  return chat.render(request);
}

constexpr const char* kHello = R"([{"role": "user", "content": "hi"}])";

TEST_CASE("special tokens, messages and the generation prompt reach the template") {
  ChatRequest request;
  CHECK(*render("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ add_generation_prompt }}", kHello) ==
        "<s>hi</s>True");
  request.add_generation_prompt = false;
  CHECK(*render("{{ add_generation_prompt }}", kHello, request) == "False");
  CHECK(*render("{{ tools is none }}{{ documents is none }}{{ pad_token is defined }}", kHello) == "TrueTrueFalse");
}

TEST_CASE("variables may replace special tokens, not the messages") {
  ChatRequest request;
  request.variables = Json{{"bos_token", "<b>"}, {"enable_thinking", false}, {"messages", 5}};
  CHECK(*render("{{ bos_token }}{{ enable_thinking }}{{ messages|length }}", kHello, request) == "<b>False1");
}

TEST_CASE("null fields are absent, reasoning goes by its three names") {
  const char* messages = R"([{"role": "assistant", "content": null, "reasoning": "because"}])";
  CHECK(
      *render(
          "{% set m = messages[0] %}{{ m.content is defined }} {{ m.reasoning_content }} {{ m.thinking }} {{ m|list }}",
          messages) == "False because because ['thinking', 'role', 'reasoning', 'reasoning_content']");
}

TEST_CASE("no template: the error says what to do") {
  const auto chat = ChatTemplate::create("", "model.gguf", {});
  REQUIRE_FALSE(chat.ok());
  CHECK(chat.error().message.find("no chat template") != std::string::npos);
  CHECK(chat.error().message.find("--raw") != std::string::npos);
}

TEST_CASE("errors carry the template's name and line") {
  const auto text = render("\n{{ raise_exception('only users here') }}", kHello);
  REQUIRE_FALSE(text.ok());
  CHECK(text.error().message == "model.gguf: line 2: the template refuses this input: only users here");
  CHECK_FALSE(ChatTemplate::create("{% if %}", "model.gguf", {}).ok());
}

TEST_CASE("long conversations have limits that grow with them") {
  Json messages = Json::array();
  for (int i = 0; i < 2000; ++i)
    messages.push_back({{"role", i % 2 ? "assistant" : "user"}, {"content", std::string(5000, 'x')}});
  const auto chat = ChatTemplate::create(
      "{% for m in messages %}{{ '<' ~ m.role ~ '>' ~ m.content|trim ~ '\n' }}{% endfor %}", "t", {});
  REQUIRE(chat.ok());
  ChatRequest request;
  request.messages = messages;
  const auto text = chat->render(request);
  REQUIRE_MESSAGE(text.ok(), (text.ok() ? "" : text.error().message));
  CHECK(text->size() > 10'000'000);
}

}  // namespace
}  // namespace mang
