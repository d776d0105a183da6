// SHA-256 digests of large files, remembered: a model of gigabytes is read once, or was verified when it was fetched,
// and a look at its inode does from then on. What is remembered holds only while nothing about the file has changed:
// its place, inode, size, and the times of its last change, to the nanosecond. Then the file is read again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mang {

class DigestCache {
 public:
  // file: "<user's cache folder>/mang/digests.json"; made when first needed. Empty: nothing is remembered.
  explicit DigestCache(std::string file) : file_(std::move(file)) {}

  struct Digested {
    uint64_t bytes = 0;
    std::string sha256;
    int64_t changed_ns = 0;   // since 1970: the last change of content, name or owner (ctime)
    bool remembered = false;  // the file was not read
  };
  // progress(bytes read) is called every few MB of a file that is read; false stops with an error. Errors: not a file,
  // not readable, changed while it was read. A cache that cannot be read or written is no error: it is made anew.
  Result<Digested> digest(const std::string& path, const std::function<bool(uint64_t)>& progress = {}) const;

  // A file that was just verified while it was fetched, and stands in its place; fd: it. Not of files that are read in
  // a moment. Waits a tenth of a second, so that a change after this one has another time.
  void remember_verified(int fd, const std::string& path, const std::string& sha256) const;

  // Where files with this digest were seen, the latest first. They may have changed since.
  [[nodiscard]] std::vector<std::string> paths_of(const std::string& sha256) const;

 private:
  std::string file_;
};

}  // namespace mang
