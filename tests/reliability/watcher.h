// Looks at a cache again and again while others work in it, as a program that wants to use a model would.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "reliability/cache_checks.h"

namespace mang::test {

class Watcher {
 public:
  explicit Watcher(std::string root) : root_(std::move(root)), thread_([this] { watch(); }) {}
  ~Watcher() {
    stop_ = true;
    thread_.join();
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  [[nodiscard]] uint64_t looks() const { return looks_; }
  // Contents under their final name that are not what it says.
  [[nodiscard]] uint64_t unverified() const { return unverified_; }

 private:
  void watch() {
    namespace fs = std::filesystem;
    while (!stop_) {
      std::error_code error;
      for (fs::directory_iterator it(root_ + "/models--org--model/blobs", error), end; !error && it != end;
           it.increment(error)) {
        if (!is_unfinished_name(it->path()) && it->path().extension() != ".mang-link") look(it->path());
      }
      ++looks_;
      ::usleep(1000);
    }
  }
  // Each file once: what was verified is not written to any more.
  void look(const std::filesystem::path& path) {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0 || !seen_.insert({info.st_ino, info.st_mtim.tv_nsec}).second) return;
    std::ifstream in(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    struct stat after;
    if (::stat(path.c_str(), &after) != 0 || after.st_ino != info.st_ino) return;  // removed meanwhile
    const std::string name = path.filename().string();
    if (name != (name.size() == 64 ? sha256_of(content) : git_sha1_of(content))) ++unverified_;
  }

  std::string root_;
  std::set<std::pair<uint64_t, int64_t>> seen_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> looks_{0}, unverified_{0};
  std::thread thread_;
};

}  // namespace mang::test
