#include "cli/worker_inbox.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/messages.h"

namespace mang::cli {

Result<void> WorkerInbox::listen(bool wait) {
  char bytes[65536];
  // What is not yet worked on stays in the pipe: a sender that runs far ahead waits.
  while (!at_end_ && (held_ < max_line_bytes_ || lines_.empty())) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, wait && lines_.empty() ? -1 : 0);
    if (ready < 0 && errno == EINTR) return {};
    if (ready == 0) return {};
    const ssize_t n = ready < 0 ? -1 : ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (n < 0) return Error{say("standard input could not be read: {}.", system_error(errno))};
    if (n == 0) {
      at_end_ = true;
      if (buffer_.empty() && !dropping_) return {};
      buffer_ += '\n';  // the last line lacks it
      split();
      return {};
    }
    buffer_.append(bytes, static_cast<size_t>(n));
    split();
  }
  return {};
}

void WorkerInbox::split() {
  size_t from = 0;
  for (size_t to; (to = buffer_.find('\n', std::max(from, scanned_))) != std::string::npos; from = to + 1) {
    const bool too_long = std::exchange(dropping_, false) || to - from > max_line_bytes_;
    lines_.push_back({too_long ? std::string() : buffer_.substr(from, to - from), too_long});
    held_ += lines_.back().text.size();
  }
  buffer_.erase(0, from);
  scanned_ = buffer_.size();
  if (buffer_.size() <= max_line_bytes_) return;
  buffer_.clear();
  scanned_ = 0;
  dropping_ = true;
}

bool WorkerInbox::take(Line& line) {
  if (lines_.empty()) return false;
  line = std::move(lines_.front());
  lines_.pop_front();
  held_ -= line.text.size();
  return true;
}

}  // namespace mang::cli
