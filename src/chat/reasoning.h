// The part of an answer that is thought before it: models write it between two marks, of which the first may stand at
// the end of the prompt already.
#pragma once

#include <string>
#include <string_view>

namespace mang {

struct ReasoningMarks {
  std::string_view open, close;
};

// The marks whose `open` is `text`; null: it is none.
const ReasoningMarks* reasoning_opened_by(std::string_view text);
// Whether `text` is one of the marks, opening or closing.
bool is_reasoning_mark(std::string_view text);
// The marks of the reasoning that a prompt ends in the middle of ("…<think>\n"); null: in none. `end`: the last part of
// the prompt, some 64 bytes are enough.
const ReasoningMarks* reasoning_left_open(std::string_view end);

// Tells the two apart while the answer comes. Reasoning stands at the beginning of an answer or nowhere: a later
// "<think>" is text about it. White space around the marks belongs to neither part.
class ReasoningSplitter {
 public:
  // begun: as reasoning_left_open() found it; null: the answer begins with text or a mark.
  explicit ReasoningSplitter(const ReasoningMarks* begun = nullptr) : marks_(begun) {
    if (begun) state_ = State::reasoning;
  }

  struct Parts {
    std::string reasoning, text;
  };
  Parts feed(std::string_view text);
  Parts finish();

  [[nodiscard]] bool in_reasoning() const { return state_ == State::reasoning; }

 private:
  enum class State { beginning, reasoning, after, text };
  void go_on(Parts& out);

  State state_ = State::beginning;
  const ReasoningMarks* marks_ = nullptr;
  bool begun_ = false;  // some reasoning has been handed out
  std::string held_;
};

}  // namespace mang
