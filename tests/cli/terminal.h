// Runs the built program on a pseudo-terminal, as a person at a keyboard does.
#pragma once

#include <pty.h>
#include <sys/ioctl.h>

#include <cstdlib>

#include "cli/subprocess.h"

namespace mang::test {

class Terminal {
 public:
  explicit Terminal(const std::vector<std::string>& arguments, const std::string& name = "xterm",
                    const std::vector<std::string>& environment = {}, unsigned short columns = 80) {
    struct winsize size = {};
    size.ws_row = 30;
    size.ws_col = columns;
    std::vector<std::string> texts{MANG_BINARY};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables{"PATH=/usr/bin:/bin", "HOME=" + home().path(), "TERM=" + name};
    // Which leaks are libraries' own; only sanitized builds read it.
    if (const char* leaks = std::getenv("LSAN_OPTIONS")) variables.push_back(std::string("LSAN_OPTIONS=") + leaks);
    variables.insert(variables.end(), environment.begin(), environment.end());
    std::vector<char*> argv, envp;
    for (std::string& text : texts) argv.push_back(text.data());
    for (std::string& text : variables) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::execve(MANG_BINARY, argv.data(), envp.data());
      ::_exit(127);
    }
  }
  ~Terminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(terminal_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(const std::string& text) {
    REQUIRE(::write(terminal_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

  // What came since the last call, up to and with `text`. Fails after a minute.
  std::string until(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    size_t at;
    while ((at = screen_.find(text, seen_)) == std::string::npos && read_more()) {
      if (std::chrono::steady_clock::now() > deadline) break;
    }
    CAPTURE(text);
    CAPTURE(screen_);
    REQUIRE(at != std::string::npos);
    const std::string out = screen_.substr(seen_, at + text.size() - seen_);
    seen_ = at + text.size();
    return out;
  }

  void signal(int number) const { ::kill(pid_, number); }

  // Types the end of input until the program goes: typed while it still writes (as when it shows what was said before,
  // which looks like its prompt), it is lost when the program takes the terminal out of line mode. Before it Ctrl-U, since
  // the end of input is none on a line where something stands. The exit code.
  int leave() {
    for (int i = 0; i < 30; ++i) {
      type("\x15\x04");
      pollfd watch{terminal_, POLLIN, 0};
      while (::poll(&watch, 1, 2'000) > 0) {
        if (!read_more()) return finish();
      }
    }
    return finish();
  }

  // The exit code, once the program has ended by itself.
  int finish() {
    while (read_more()) {
    }
    // It has let go of the terminal; under the sanitizers, on a busy machine, the rest of its end takes seconds.
    int status = 0;
    bool ended = false;
    for (int i = 0; i < 600 && !ended; ++i) {
      ended = ::waitpid(pid_, &status, WNOHANG) != 0;
      if (!ended) ::usleep(100'000);
    }
    if (!ended) {
      MESSAGE("still running, with this on the screen: " << screen_);
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  [[nodiscard]] const std::string& screen() const { return screen_; }

 private:
  // False: the program has closed the terminal, or said nothing for a minute.
  bool read_more() {
    pollfd watch{terminal_, POLLIN, 0};
    if (::poll(&watch, 1, 60'000) <= 0) return false;
    char buffer[4096];
    const ssize_t n = ::read(terminal_, buffer, sizeof buffer);
    if (n <= 0) return false;
    screen_.append(buffer, static_cast<size_t>(n));
    return true;
  }

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string screen_;
  size_t seen_ = 0;
};

}  // namespace mang::test
