// A line typed at a terminal, with the keys of Emacs, history and pasted text, by libedit.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mang::cli {

class LineEditor {
 public:
  // What the text before the cursor could go on as: whole replacements of it.
  using Complete = std::function<std::vector<std::string>(std::string_view before)>;
  // Null where lines cannot be edited: standard input or error is no terminal, or a dumb one. The Tab key asks
  // `complete`.
  static std::unique_ptr<LineEditor> open(const char* terminal_name, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Outcome { line, end, interrupted };  // end: Ctrl-D; interrupted: Ctrl-C, what was typed is dropped
  // The next line, without its newline. Text that was pasted may hold newlines. The prompt is written to stderr.
  Outcome next(const std::string& prompt, std::string& line);

  // Lets the user find it again with the arrow keys. Kept as long as the program runs, and nowhere else.
  void remember(const std::string& line);

 private:
  struct State;
  explicit LineEditor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mang::cli
