#include "hub/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace mang {
namespace {

constexpr int kPollMs = 100;
constexpr size_t kKeepOutput = 16 * 1024;
constexpr auto kGrace = std::chrono::seconds(2);  // between asking a child to end and ending it

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// Starts the child in a process group of its own with stdin from /dev/null and both outputs into `pipe_write`.
int spawn(const ChildOptions& options, int pipe_write, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_write, STDERR_FILENO);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<char*> argv = pointers(options.argv);
  std::vector<char*> environment = pointers(options.environment);
  const int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// Reads what is there; false: the other end is closed.
bool drain(int fd, std::string& output) {
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) {
      output.append(buffer, static_cast<size_t>(n));
      if (output.size() > 2 * kKeepOutput) output.erase(0, output.size() - kKeepOutput);
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
  const int error = spawn(options, ends[1], pid);
  ::close(ends[1]);
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
    if (reading) reading = drain(ends[0], outcome.output);

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
  if (reading) drain(ends[0], outcome.output);
  ::close(ends[0]);

  if (outcome.output.size() > kKeepOutput) outcome.output.erase(0, outcome.output.size() - kKeepOutput);
  outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

}  // namespace mang
