#include "cli/io.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/mapped_file.h"
#include "cli/messages.h"
#include "cli/page.h"

namespace mang::cli {
namespace {

constexpr size_t kPiece = 64 * 1024;

// Reads up to kPiece bytes of standard input onto the end of `to`; 0 at the end.
Result<size_t> read_piece(std::string& to) {
  const size_t before = to.size();
  to.resize(before + kPiece);
  ssize_t n;
  do {
    n = ::read(STDIN_FILENO, to.data() + before, kPiece);
  } while (n < 0 && errno == EINTR);
  to.resize(before + static_cast<size_t>(n > 0 ? n : 0));
  if (n < 0) return Error{say("standard input could not be read: {}.", system_error(errno))};
  return static_cast<size_t>(n);
}

}  // namespace

void ensure_standard_descriptors() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      // open() takes the lowest free descriptor, which is this one.
      if (::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) < 0) return;
    }
  }
}

void Output::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kPiece) (void)flush().ok();  // an error is kept and told by the last flush
}

Result<void> Output::flush() {
  size_t done = 0;
  while (done < buffer_.size() && error_ == 0) {
    const ssize_t n = ::write(STDOUT_FILENO, buffer_.data() + done, buffer_.size() - done);
    if (n >= 0)
      done += static_cast<size_t>(n);
    else if (errno != EINTR)
      error_ = errno;
  }
  buffer_.clear();
  if (error_ != 0) return Error{say("standard output could not be written: {}.", system_error(error_))};
  return {};
}

bool Output::is_terminal() const { return ::isatty(STDOUT_FILENO) == 1; }

size_t Output::width() const { return terminal_width(STDOUT_FILENO); }

void print_error_line(std::string_view text) {
  const std::string shown = without_terminal_controls(text);
  const size_t width = terminal_width(STDERR_FILENO);
  std::string out;
  for (size_t at = 0; at <= shown.size();) {
    const size_t end = std::min(shown.find('\n', at), shown.size());
    const std::string_view line = std::string_view(shown).substr(at, end - at);
    // A terminal would break a long sentence in the middle of a word.
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    out += line.substr(0, indent);
    out += width > 0 && columns(line) > width ? wrapped(line.substr(indent), indent, width)
                                              : std::string(line.substr(indent));
    out += '\n';
    at = end + 1;
  }
  fmt::print(stderr, "{}", out);
}

size_t terminal_width(int descriptor) {
  constexpr size_t kUsual = 80, kLeast = 40;
  if (::isatty(descriptor) != 1) return 0;
  struct winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::max<size_t>(size.ws_col, kLeast);
}

bool stdin_is_piped() {
  struct stat info;
  if (::fstat(STDIN_FILENO, &info) != 0) return false;
  return S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode) || S_ISSOCK(info.st_mode);
}

Result<std::string> read_stdin(size_t max_bytes) {
  std::string text;
  for (;;) {
    MANG_TRY(size_t n, read_piece(text));
    if (n == 0) return text;
    if (text.size() > max_bytes) {
      return Error{say("standard input is longer than {} bytes, the most this command reads.", max_bytes)};
    }
  }
}

Result<std::string> read_file_or_stdin(const std::string& path, size_t max_bytes) {
  return path == "-" ? read_stdin(max_bytes) : read_text_file(path, max_bytes);
}

bool LineReader::take_line(std::string& line) {
  const size_t newline = buffer_.find('\n', scanned_);
  if (newline == std::string::npos && !(ended_ && start_ < buffer_.size())) {
    scanned_ = buffer_.size();
    return false;
  }
  const size_t end = std::min(newline, buffer_.size());
  line.assign(buffer_, start_, end - start_);
  start_ = scanned_ = std::min(end + 1, buffer_.size());
  return true;
}

Result<void> LineReader::fill() {
  buffer_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  if (buffer_.size() > max_line_bytes_) {
    return Error{say("standard input: a line is longer than {} bytes, the most this command reads.", max_line_bytes_)};
  }
  MANG_TRY(size_t n, read_piece(buffer_));
  ended_ = n == 0;
  return {};
}

std::string without_terminal_controls(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      // U+2400 + c, and U+2421 for DEL: E2 90 80 …
      out += "\xE2\x90";
      out += static_cast<char>(0x80 + (c == 0x7F ? 0x21 : c));
    } else if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += "\xEF\xBF\xBD";  // U+0080 … U+009F, the other control characters
      ++i;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

}  // namespace mang::cli
