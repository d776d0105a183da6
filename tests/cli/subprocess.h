// Runs the built program as a user does: arguments in, exit code and both outputs out.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mang::test {

struct Ran {
  int code = -1;  // exit code, or 128 + n for signal n
  std::string out;
  std::string err;
};

struct How {
  std::optional<std::string> input;      // piped in; none: /dev/null
  std::vector<std::string> environment;  // with PATH, HOME and XDG_CACHE_HOME where it has none
  std::string interrupt_after;           // SIGINT once this was seen on stdout
  uint64_t memory_kib = 0;               // addresses it may take (ulimit -v); 0: no limit
  std::string program = MANG_BINARY;     // another one than mang, with its own arguments
};

// A home of its own, so that no test meets the user's cache.
inline const TempDir& home() {
  static const TempDir dir;
  return dir;
}

class Running {
 public:
  Running(const std::vector<std::string>& arguments, const How& how) {
    int out[2], err[2];
    REQUIRE(::pipe2(in_, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (how.input)
      posix_spawn_file_actions_adddup2(&actions, in_[0], 0);
    else
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);

    std::vector<std::string> texts;
    if (how.memory_kib > 0) {  // a shell gives itself the limit, then becomes the program
      texts = {"/bin/sh", "-c", "ulimit -v " + std::to_string(how.memory_kib) + " && exec \"$0\" \"$@\""};
    }
    texts.emplace_back(how.program);
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = how.environment;
    for (const std::string& usual :
         {std::string("PATH=/usr/bin:/bin"), "HOME=" + home().path(), "XDG_CACHE_HOME=" + home().file("cache")}) {
      const std::string name = usual.substr(0, usual.find('=') + 1);
      const auto same = [&](const std::string& given) { return given.starts_with(name); };
      if (std::none_of(variables.begin(), variables.end(), same)) variables.push_back(usual);
    }
    std::vector<char*> argv, envp;
    for (std::string& text : texts) argv.push_back(text.data());
    for (std::string& text : variables) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    REQUIRE(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in_[0]);
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
    for (int fd : {in_[1], out_, err_}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  // Feeds the input, collects the outputs, waits. Kills and fails what takes longer than two minutes.
  Ran finish(const How& how) {
    std::signal(SIGPIPE, SIG_IGN);  // a program may not read all of its input
    Ran ran;
    const std::string input = how.input.value_or("");
    size_t fed = 0;
    if (!how.input) close_input();
    bool interrupted = false;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (out_ >= 0 || err_ >= 0) {
      if (fed == input.size()) close_input();
      pollfd watch[3] = {{in_[1], POLLOUT, 0}, {out_, POLLIN, 0}, {err_, POLLIN, 0}};
      ::poll(watch, 3, 200);
      if (in_[1] >= 0 && watch[0].revents) {
        const ssize_t n = ::write(in_[1], input.data() + fed, input.size() - fed);
        if (n > 0)
          fed += static_cast<size_t>(n);
        else if (n < 0 && errno == EPIPE)
          fed = input.size();
      }
      if (watch[1].revents) take(out_, ran.out);
      if (watch[2].revents) take(err_, ran.err);
      if (!how.interrupt_after.empty() && !interrupted && ran.out.find(how.interrupt_after) != std::string::npos) {
        ::kill(pid_, SIGINT);
        interrupted = true;
      }
      if (std::chrono::steady_clock::now() > deadline) ::kill(pid_, SIGKILL);
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ran.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return ran;
  }

  // The exit code of a program that ends though its input stays open.
  int wait() {
    int status = 0;
    for (int i = 0; i < 6000 && ::waitpid(pid_, &status, WNOHANG) == 0; ++i) ::usleep(10'000);
    close_input();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  void interrupt() const { ::kill(pid_, SIGINT); }
  void kill() const { ::kill(pid_, SIGKILL); }
  [[nodiscard]] int input() const { return in_[1]; }
  [[nodiscard]] int output() const { return out_; }

 private:
  void close_input() {
    if (in_[1] >= 0) ::close(in_[1]);
    in_[1] = -1;
  }
  static void take(int& fd, std::string& to) {
    char buffer[65536];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0)
      to.append(buffer, static_cast<size_t>(n));
    else if (n == 0) {
      ::close(fd);
      fd = -1;
    }
  }

  pid_t pid_ = -1;
  int in_[2] = {-1, -1};
  int out_ = -1;
  int err_ = -1;
};

inline Ran mang(const std::vector<std::string>& arguments, const How& how = {}) {
  return Running(arguments, how).finish(how);
}

// The tiny model of most tests, as a directory and as one file.
inline const std::string kDirectory = MANG_SOURCE_DIR "/tests/golden/smollm2/tied-gqa";
inline const std::string kGguf = kDirectory + "/model.gguf";

// What a program printed for other programs.
inline Json json_of(const Ran& ran, int code = 0) {
  CAPTURE(ran.err);
  REQUIRE(ran.code == code);
  Result<Json> json = parse_json(ran.out, "stdout");
  REQUIRE(json.ok());
  return *json;
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The tiny model with room for an answer that takes a while.
inline std::string patient_model(const TempDir& dir) {
  const std::string path = dir.file("patient");
  std::filesystem::copy(kDirectory, path);
  Json config = parse_json(read_file(path + "/config.json"), "config.json").value();
  config["max_position_embeddings"] = 200000;
  dir.write("patient/config.json", dump_json(config));
  return path;
}

// One sentence on stderr, nothing on stdout.
inline void check_refused(const Ran& ran, int code, const std::string& part) {
  CAPTURE(ran.out);
  CAPTURE(ran.err);
  CHECK(ran.code == code);
  CHECK(ran.out.empty());
  CHECK(ran.err.starts_with("mang"));
  CHECK(ran.err.find('\n') == ran.err.size() - 1);
  CHECK(has(ran.err, part));
}

}  // namespace mang::test
