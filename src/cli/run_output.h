// What `mang run` writes: the answer as it comes, and what is to be known about it afterwards.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/answer.h"
#include "cli/context.h"
#include "cli/energy_words.h"
#include "cli/markdown.h"
#include "cli/progress.h"

namespace mang::cli {

struct RunOutput {
  std::string model;  // as the user named it
  bool raw = false;
  bool verbose = false;
  bool json = false;
  EnergyPrice price;
  bool plain = false;          // Markdown stays as it is written
  bool hide_thinking = false;  // a line says how long it took
  bool show_thinking = false;  // also where it is no terminal
};

// The text as it comes. On a terminal Markdown is rendered, reasoning is dimmed, and control characters do nothing;
// elsewhere the answer is written as it is, and the reasoning is left out unless it is asked for.
class Stream : public Answerer::Listener {
 public:
  Stream(Context& context, const RunOutput& options);

  // A long prompt is waited for with a line on the terminal that goes when the first text comes.
  void on_prompt(int64_t tokens) override;
  // False: it could not be written, nobody reads it.
  bool on_text(const std::string& text) override;
  bool on_reasoning(const std::string& text) override;
  // Ends the line the answer stands on. A raw continuation is bytes for a program unless a person looks on.
  void end_line();

 private:
  [[nodiscard]] bool shows_thinking() const;
  void write(const std::string& text, Style style);
  void finish_markdown();
  void count_thinking();
  void end_reasoning();

  Output& out_;
  bool silent_;
  bool raw_;
  bool terminal_;
  bool escapes_;  // the terminal understands escape sequences
  bool colour_;
  bool markdown_;
  bool hide_thinking_, show_thinking_;
  bool ends_line_ = false;
  std::optional<StatusLine> status_;

  std::optional<MarkdownStream> page_;  // of what is being written
  bool thinking_ = false;
  int64_t thought_tokens_ = 0;
  std::chrono::steady_clock::time_point thinking_since_, said_{};
};

// After an answer: its end of line, its figures, and what the user must know about how it ended.
void conclude(const AnswerRecord& record, const Answerer& answerer, const RunOutput& options, Stream& stream,
              Context& context);

}  // namespace mang::cli
