// Standard input and output with every error looked at.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mang::cli {

// Descriptors 0, 1 and 2 that the caller closed are opened on /dev/null, so that no file of ours lands on them.
void ensure_standard_descriptors();

// Text to standard output, buffered until flush().
class Output {
 public:
  void write(std::string_view text);
  // Hands everything to the system. Also errors of earlier writes are told here.
  Result<void> flush();
  [[nodiscard]] bool is_terminal() const;
  // Columns when it is a terminal, else 0.
  [[nodiscard]] size_t width() const;

 private:
  std::string buffer_;
  int error_ = 0;  // errno of the first write that failed
};

// One line (or more, by its newlines) to standard error. Names from outside may be in it: control characters are shown
// as their pictures.
void print_error_line(std::string_view text);

// Columns of the terminal that `descriptor` is; 0: it is none.
size_t terminal_width(int descriptor);

// True when something is piped into the program: a pipe, a file or a socket, not a terminal or /dev/null.
bool stdin_is_piped();
// All of standard input; refuses more than max_bytes.
Result<std::string> read_stdin(size_t max_bytes);
// A file, or standard input for "-".
Result<std::string> read_file_or_stdin(const std::string& path, size_t max_bytes);

// Standard input line by line. Before it waits for more input it calls what was given as `before_wait`, so that a
// program that feeds lines and waits for answers gets them.
class LineReader {
 public:
  explicit LineReader(size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // The next line, without its newline; false at the end.
  template <typename BeforeWait>
  Result<bool> next(std::string& line, BeforeWait&& before_wait) {
    for (;;) {
      if (take_line(line)) return true;
      if (ended_) return false;
      MANG_TRY(before_wait());
      MANG_TRY(fill());
    }
  }

 private:
  bool take_line(std::string& line);
  Result<void> fill();

  size_t max_line_bytes_;
  std::string buffer_;
  size_t start_ = 0;    // of the next line, in buffer_
  size_t scanned_ = 0;  // no newline before this
  bool ended_ = false;
};

// Model text for a terminal: control characters other than newline and tab, which could move the cursor or change the
// terminal's settings, are shown as their picture (U+2400 …). `text` is UTF-8.
std::string without_terminal_controls(std::string_view text);

}  // namespace mang::cli
