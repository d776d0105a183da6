// What `mang run` writes: the answer as it comes, and what is to be known about it afterwards.
#pragma once

#include <optional>
#include <string>

#include "cli/answer.h"
#include "cli/context.h"
#include "cli/energy_words.h"
#include "cli/progress.h"

namespace mang::cli {

struct RunOutput {
  std::string model;  // as the user named it
  bool raw = false;
  bool verbose = false;
  bool json = false;
  EnergyPrice price;
};

// The text as it comes: to a terminal without control characters, elsewhere as it is.
class Stream : public Answerer::Listener {
 public:
  Stream(Context& context, const RunOutput& options);

  // A long prompt is waited for with a line on the terminal that goes when the first text comes.
  void on_prompt(int64_t tokens) override;
  // False: it could not be written, nobody reads it.
  bool on_text(const std::string& text) override;
  // Ends the line the answer stands on. A raw continuation is bytes for a program unless a person looks on.
  void end_line();

 private:
  Output& out_;
  bool silent_;
  bool raw_;
  bool terminal_;
  bool ends_line_ = false;
  std::optional<StatusLine> status_;
};

// After an answer: its end of line, its figures, and what the user must know about how it ended.
void conclude(const AnswerRecord& record, const Answerer& answerer, const RunOutput& options, Stream& stream,
              Context& context);

}  // namespace mang::cli
