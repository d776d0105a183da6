// Reasoning and answer told apart, whatever the pieces they come in.
#include "chat/reasoning.h"

#include <doctest/doctest.h>

namespace mang {
namespace {

ReasoningSplitter::Parts split(const std::string& answer, size_t piece, const ReasoningMarks* begun = nullptr) {
  ReasoningSplitter splitter(begun);
  ReasoningSplitter::Parts all;
  auto add = [&](const ReasoningSplitter::Parts& parts) {
    CHECK((all.text.empty() || parts.reasoning.empty()));  // reasoning comes first
    all.reasoning += parts.reasoning;
    all.text += parts.text;
  };
  for (size_t at = 0; at < answer.size(); at += piece) add(splitter.feed(answer.substr(at, piece)));
  add(splitter.finish());
  return all;
}

TEST_CASE("what is thought and what is said") {
  struct Case {
    std::string answer, reasoning, text;
    bool begun = false;
  };
  const Case cases[] = {
      {"<think>\nhm, <b>\n\nso\n</think>\n\nBamboo.\n", "hm, <b>\n\nso", "Bamboo.\n"},
      {"  \n<think>a</think>b", "a", "b"},
      {"<think>\n\n</think>\n\nshort", "", "short"},
      {"\nhm </thin </think>\n b", "hm </thin", "b", true},
      {"[THINK]a[/THINK]b", "a", "b"},
      {"<seed:think>a</seed:think>b", "a", "b"},
      {"◁think▷một hai◁/think▷ba", "một hai", "ba"},
      {"<think>never closed \n", "never closed", ""},
      {"cut short </th", "cut short </th", "", true},
      {"The mark <think> begins </think> it.", "", "The mark <think> begins </think> it."},
      {" plain\n", "", " plain\n"},
      {"<thin", "", "<thin"},
      {"<thinking>x", "", "<thinking>x"},
      {"", "", ""},
      {"<think>a</think>", "a", ""},
      {"<think>a</think> <think>b</think>", "a", "<think>b</think>"},
  };
  for (const Case& each : cases) {
    const ReasoningMarks* begun = each.begun ? reasoning_opened_by("<think>") : nullptr;
    for (const size_t piece : {1, 2, 3, 5, 7, 100}) {
      CAPTURE(each.answer);
      CAPTURE(piece);
      const auto parts = split(each.answer, piece, begun);
      CHECK(parts.reasoning == each.reasoning);
      CHECK(parts.text == each.text);
    }
  }
}

TEST_CASE("a prompt that ends within reasoning") {
  CHECK(reasoning_left_open("<|im_start|>assistant\n<think>\n"));
  CHECK(reasoning_left_open("[THINK]")->close == "[/THINK]");
  CHECK(!reasoning_left_open("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
  CHECK(!reasoning_left_open("<|im_start|>assistant\n"));
  CHECK(!reasoning_left_open(""));
  CHECK(is_reasoning_mark("[/THINK]"));
  CHECK(!is_reasoning_mark("think"));
}

TEST_CASE("text shows as soon as it is certain") {
  ReasoningSplitter splitter;
  CHECK(splitter.feed("<think>abc").reasoning == "abc");
  CHECK(splitter.in_reasoning());
  CHECK(splitter.feed(" de").reasoning == " de");
  CHECK(splitter.feed("</think>").reasoning.empty());
  CHECK(!splitter.in_reasoning());
  CHECK(splitter.feed("\n\nx").text == "x");
  CHECK(splitter.feed(" y ").text == " y ");
}

}  // namespace
}  // namespace mang
