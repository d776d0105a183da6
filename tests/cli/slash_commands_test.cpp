// The commands of a conversation without a terminal: what is one, and what /set makes of its words.
#include "cli/slash_commands.h"

#include <doctest/doctest.h>

#include "cli/chat_settings.h"
#include "cli/clipboard.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("what is a command, what is a message, and what was meant for a command") {
  for (const SlashCommand& each : slash_commands()) {
    const auto line = parse_slash(each.name);
    REQUIRE(line.ok());
    REQUIRE(*line);
    CHECK((*line)->kind == each.kind);
    CHECK((*line)->argument.empty());
    CHECK(has(slash_help(80), each.name));
  }
  CHECK((*parse_slash("/?"))->kind == Slash::help);
  CHECK((*parse_slash("  /set  temperature   0.5 \n"))->argument == "temperature   0.5");
  CHECK((*parse_slash("/set system Be brief.\nBe kind."))->argument == "system Be brief.\nBe kind.");
  for (const char* message : {"hello", "", "/", "/usr/bin holds programs", "/Etc", "//", "/etc is what?", "a /bye"}) {
    CAPTURE(message);
    const auto line = parse_slash(message);
    REQUIRE(line.ok());
    CHECK(!*line);
  }
  CHECK(has(parse_slash("/claer").error().message, "/clear"));
  CHECK(has(parse_slash("/mdel smollm2").error().message, "/model"));
  CHECK(has(parse_slash("/nonsense").error().message, "/help"));
  CHECK(has(parse_slash("/bye now").error().message, "nothing after it"));
}

TEST_CASE("Tab completes what could be meant") {
  CHECK(slash_completions("/m") == std::vector<std::string>{"/model "});
  CHECK(slash_completions("/by") == std::vector<std::string>{"/bye"});
  CHECK(slash_completions("/").size() == slash_commands().size());
  CHECK(slash_completions("by").empty());
  CHECK(slash_completions("").empty());
}

TEST_CASE("/set takes what is in range, and leaves everything as it was otherwise") {
  ChatSettings settings;
  auto value = [&](std::string_view name) {
    const SamplingParams params = sampling_params(settings.sampling, {.temperature = 0.6}).value();
    for (const auto& [each, shown] : setting_rows(settings, params)) {
      if (each == name) return shown;
    }
    return std::string("none of this name");
  };
  CHECK(has(value("temperature"), "0.6"));
  CHECK(has(value("temperature"), "the model's own"));
  CHECK(change_setting(settings, "temperature", "0.25").ok());
  CHECK(value("temperature") == "0.25");
  CHECK(change_setting(settings, "temperature", "default").ok());
  CHECK(has(value("temperature"), "0.6"));
  CHECK(change_setting(settings, "top_k", "5").ok());
  CHECK(change_setting(settings, "top-p", "0.5").ok());
  CHECK(change_setting(settings, "seed", "18446744073709551615").ok());
  CHECK(change_setting(settings, "max_tokens", "12").ok());
  CHECK(change_setting(settings, "system", "Answer in Vietnamese.").ok());
  CHECK(change_setting(settings, "think", "off").ok());
  CHECK(value("top-k") == "5");
  CHECK(value("seed") == "18446744073709551615");
  CHECK(value("max-tokens") == "12");
  CHECK(value("system") == "Answer in Vietnamese.");
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"temperature", "hot"}, {"temperature", "101"}, {"temperature", "nan"}, {"temperature", ""},
      {"top-p", "2"},         {"top-k", "0.5"},       {"top-k", "-1"},        {"seed", "-1"},
      {"seed", "7x"},         {"think", "maybe"},     {"colour", "red"},      {"max-tokens", "-3"}};
  for (const auto& [name, word] : wrong) {
    CAPTURE(name);
    CAPTURE(word);
    CHECK(!change_setting(settings, name, word).ok());
  }
  CHECK(has(change_setting(settings, "temprature", "1").error().message, "'temperature'"));
  CHECK(has(value("temperature"), "0.6"));
  CHECK(value("top-k") == "5");
  CHECK(value("top-p") == "0.5");
  CHECK(value("think") == "off");
}

TEST_CASE("the switch for thinking goes by the name the template reads") {
  auto page = [](const std::string& text) { return ChatTemplate::create(text, "t", {}).value(); };
  ChatSettings settings;
  CHECK(think_variables(settings, page("plain"))->empty());
  settings.think = "off";
  CHECK(think_variables(settings, page("{% if enable_thinking %}x{% endif %}"))->at("enable_thinking") == false);
  CHECK(think_variables(settings, page("{% if thinking %}x{% endif %}"))->at("thinking") == false);
  CHECK(!think_variables(settings, page("plain")).ok());
  settings.think = "high";
  CHECK(think_variables(settings, page("{{ reasoning_effort }}"))->at("reasoning_effort") == "high");
  CHECK(think_variables(settings, page("{% if enable_thinking %}x{% endif %}"))->at("enable_thinking") == true);
}

TEST_CASE("what a terminal is asked to copy is base64") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("măng") == "bcSDbmc=");
  CHECK(base64("\xFF\xFE\xFD\xFC") == "//79/A==");
}

}  // namespace
}  // namespace mang::cli
