#include "chat/reasoning.h"

#include <algorithm>

namespace mang {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// Qwen3, DeepSeek-R1, GLM, Hunyuan, ERNIE, SmolLM3; Magistral; Seed-OSS; Kimi.
constexpr ReasoningMarks kMarks[] = {
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<seed:think>", "</seed:think>"},
    {"◁think▷", "◁/think▷"},
};

// How many of the last bytes of `text` could be the beginning of `mark`.
size_t could_begin(std::string_view text, std::string_view mark) {
  for (size_t n = std::min(text.size(), mark.size() - 1); n > 0; --n) {
    if (mark.starts_with(text.substr(text.size() - n))) return n;
  }
  return 0;
}

}  // namespace

const ReasoningMarks* reasoning_opened_by(std::string_view text) {
  for (const ReasoningMarks& each : kMarks) {
    if (text == each.open) return &each;
  }
  return nullptr;
}

bool is_reasoning_mark(std::string_view text) {
  return std::any_of(std::begin(kMarks), std::end(kMarks),
                     [&](const ReasoningMarks& each) { return text == each.open || text == each.close; });
}

const ReasoningMarks* reasoning_left_open(std::string_view end) {
  end = end.substr(0, end.find_last_not_of(kSpace) + 1);
  for (const ReasoningMarks& each : kMarks) {
    if (end.ends_with(each.open)) return &each;
  }
  return nullptr;
}

ReasoningSplitter::Parts ReasoningSplitter::feed(std::string_view text) {
  Parts out;
  held_ += text;
  go_on(out);
  return out;
}

void ReasoningSplitter::go_on(Parts& out) {
  if (state_ == State::beginning) {
    const size_t start = std::min(held_.find_first_not_of(kSpace), held_.size());
    const std::string_view rest = std::string_view(held_).substr(start);
    bool may_come = false;
    for (const ReasoningMarks& each : kMarks) {
      if (rest.starts_with(each.open)) {
        marks_ = &each;
        state_ = State::reasoning;
        held_.erase(0, start + each.open.size());
        break;
      }
      may_come = may_come || each.open.starts_with(rest);
    }
    if (state_ == State::beginning) {
      if (may_come) return;
      state_ = State::text;
    }
  }
  if (state_ == State::reasoning) {
    if (!begun_) held_.erase(0, std::min(held_.find_first_not_of(kSpace), held_.size()));
    const size_t close = held_.find(marks_->close);
    // White space is held back until it is known not to stand before the mark.
    size_t keep = close == std::string::npos ? could_begin(held_, marks_->close) : held_.size() - close;
    const std::string_view certain = std::string_view(held_).substr(0, held_.size() - keep);
    keep = held_.size() - (certain.find_last_not_of(kSpace) + 1);
    const size_t ready = held_.size() - keep;
    begun_ = begun_ || ready > 0;
    out.reasoning += held_.substr(0, ready);
    if (close == std::string::npos) {
      held_.erase(0, ready);
      return;
    }
    held_.erase(0, close + marks_->close.size());
    state_ = State::after;
  }
  if (state_ == State::after) {
    held_.erase(0, std::min(held_.find_first_not_of(kSpace), held_.size()));
    if (held_.empty()) return;
    state_ = State::text;
  }
  out.text += held_;
  held_.clear();
}

ReasoningSplitter::Parts ReasoningSplitter::finish() {
  Parts out;
  if (state_ == State::reasoning) {
    const size_t end = held_.find_last_not_of(kSpace);
    out.reasoning = held_.substr(0, end == std::string::npos ? 0 : end + 1);
  } else if (state_ != State::after) {
    out.text = held_;
  }
  held_.clear();
  return out;
}

}  // namespace mang
