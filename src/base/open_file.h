// Closes a file when it goes out of scope.
#pragma once

#include <unistd.h>

namespace mang {

struct OpenFile {
  int fd;  // below 0: none
  explicit OpenFile(int opened) : fd(opened) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace mang
