// Lines on standard input for a program that works while it listens: taken when they are there, never waited for unless
// there is nothing else to do.
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "base/result.h"

namespace mang::cli {

class WorkerInbox {
 public:
  explicit WorkerInbox(size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Takes what has come. wait: until something comes, input ends, or a signal arrives.
  Result<void> listen(bool wait);

  struct Line {
    std::string text;
    bool too_long = false;  // it was longer than the limit; its text is dropped
  };
  // The next line, without its newline.
  bool take(Line& line);

  // Nothing more will come, and everything was taken.
  [[nodiscard]] bool ended() const { return at_end_ && lines_.empty(); }

 private:
  void split();

  size_t max_line_bytes_;
  std::string buffer_;  // the beginning of a line
  size_t scanned_ = 0;  // of it: no newline before this
  std::deque<Line> lines_;
  size_t held_ = 0;  // bytes in lines_
  bool dropping_ = false;
  bool at_end_ = false;
};

}  // namespace mang::cli
