// Files that survive a power cut and processes that do not step on each other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "hub/folder.h"

namespace mang {

// What can still be written to the disk of this folder; nullopt: the system does not say.
std::optional<uint64_t> free_bytes(const std::string& folder);

// Writes a small file so that a reader sees the old content or the new one, never a part.
Result<void> write_file_atomically(const std::string& path, const std::string& content, unsigned mode = 0644);

// An exclusive lock on a file (flock), released when it goes. The file itself stays: removing it would race.
class FileLock {
 public:
  FileLock(const Folder& folder, const std::string& name);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  // False: another process has it.
  [[nodiscard]] Result<bool> try_lock() const;
  // Waits until it is ours; keep_going is asked ten times a second while another process has it, false gives up.
  [[nodiscard]] Result<void> wait(const std::function<bool()>& keep_going) const;

 private:
  std::string path_;
  int fd_;
  int error_;  // why there is none
};

// Whether another process holds a lock; one that was never made is held by nobody.
bool is_locked(const std::string& path);

}  // namespace mang
