#include "hub/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace mang {
namespace {

constexpr int kPollMs = 100;
constexpr auto kGrace = std::chrono::seconds(2);  // between asking a child to end and ending it

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// A file in memory that holds the input, at its beginning; −1: it could not be made. A file and not a pipe: nobody has
// to wait until the child reads it.
int input_file(const std::string& input) {
  const int fd = ::memfd_create("input", MFD_CLOEXEC);
  for (size_t done = 0; fd >= 0 && done < input.size();) {
    const ssize_t n = ::write(fd, input.data() + done, input.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(fd);
      return -1;
    }
    done += static_cast<size_t>(n);
  }
  if (fd >= 0) ::lseek(fd, 0, SEEK_SET);
  return fd;
}

// Starts the child in a process group of its own with stdin from `input` (−1: /dev/null) and both outputs into
// `pipe_write`.
int spawn(const ChildOptions& options, int input, int pipe_write, pid_t& pid) {
  // What may throw comes before what must be destroyed.
  std::vector<char*> argv = pointers(options.argv);
  std::vector<char*> environment = pointers(options.environment);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  int error = input >= 0 ? posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
                         : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, pipe_write, output);
  }
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  if (error == 0) error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// Reads what is there; false: the other end is closed.
bool drain(int fd, std::string& output, size_t keep) {
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) {
      output.append(buffer, static_cast<size_t>(n));
      if (output.size() > 2 * keep) output.erase(0, output.size() - keep);
      continue;
    }
    if (n == 0) return false;
    if (errno == EINTR) continue;
    return errno == EAGAIN;
  }
}

}  // namespace

Result<ChildOutcome> run_child(const ChildOptions& options) {
  MANG_CHECK(!options.argv.empty());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail("a pipe could not be made: {}.", system_error(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

  pid_t pid = -1;
  const int input = options.input.empty() ? -1 : input_file(options.input);
  const int error = !options.input.empty() && input < 0 ? errno : spawn(options, input, ends[1], pid);
  ::close(ends[1]);
  if (input >= 0) ::close(input);
  if (error != 0) {
    ::close(ends[0]);
    return fail("'{}' could not be started: {}.", options.argv[0], system_error(error));
  }

  ChildOutcome outcome;
  bool reading = true;
  std::chrono::steady_clock::time_point asked_to_end;
  int status = 0;
  for (;;) {
    pollfd watch{ends[0], POLLIN, 0};
    ::poll(&watch, reading ? 1 : 0, kPollMs);
    if (reading) reading = drain(ends[0], outcome.output, options.keep_output);

    const pid_t done = ::waitpid(pid, &status, WNOHANG);
    if (done == pid || (done < 0 && errno == ECHILD)) break;
    if (!outcome.stopped && options.keep_going && !options.keep_going()) {
      outcome.stopped = true;
      asked_to_end = std::chrono::steady_clock::now();
      ::kill(-pid, SIGTERM);
    } else if (outcome.stopped && std::chrono::steady_clock::now() - asked_to_end > kGrace) {
      ::kill(-pid, SIGKILL);
    }
  }
  if (outcome.stopped) ::kill(-pid, SIGKILL);  // what the child had started and left behind
  if (reading) drain(ends[0], outcome.output, options.keep_output);
  ::close(ends[0]);

  const size_t keep = options.keep_output;
  if (outcome.output.size() > keep) outcome.output.erase(0, outcome.output.size() - keep);
  outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

}  // namespace mang
