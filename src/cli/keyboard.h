// Where the messages of a conversation come from: an editor where the terminal allows one, else plain lines.
#pragma once

#include <memory>
#include <string>

#include "cli/context.h"
#include "cli/line_editor.h"

namespace mang::cli {

class Keyboard {
 public:
  explicit Keyboard(Context& context);

  using Outcome = LineEditor::Outcome;
  // A message: a line, or what stands between two """. The user finds it again with the arrow keys.
  Result<Outcome> message(std::string& text);

 private:
  Result<Outcome> line(const std::string& prompt, std::string& text);
  Outcome remembered(Outcome outcome, const std::string& text);

  Context& context_;
  std::unique_ptr<LineEditor> editor_;
  LineReader plain_;
};

}  // namespace mang::cli
