#include "hub/durable.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

namespace mang {

std::optional<uint64_t> free_bytes(const std::string& folder) {
  struct statvfs info;
  if (::statvfs(folder.c_str(), &info) != 0) return std::nullopt;
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Error download_write_error(const std::string& path) {
  if (errno == ENOSPC || errno == EDQUOT) {
    return fail("{}: the disk is full. Free some space and run the same command again: it goes on where it stopped.",
                path);
  }
  return fail("{}: could not be written: {}.", path, system_error(errno));
}

Result<void> sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail("{}: could not be opened: {}.", folder, system_error(errno));
  const int result = ::fsync(fd);
  const int why = errno;
  ::close(fd);
  if (result != 0 && why != EINVAL) return fail("{}: could not be flushed: {}.", folder, system_error(why));
  return {};
}

Result<void> write_file_atomically(const std::string& path, const std::string& content) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return fail("{}: could not be written to: {}.", path, system_error(errno));
  bool ok = ::fchmod(fd, 0644) == 0;
  for (size_t done = 0; ok && done < content.size();) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n >= 0;
    if (ok) done += static_cast<size_t>(n);
  }
  ok = ok && ::fsync(fd) == 0;
  int why = errno;
  ok = ::close(fd) == 0 && ok;
  if (ok && ::rename(temporary.c_str(), path.c_str()) != 0) ok = false, why = errno;
  if (!ok) {
    ::unlink(temporary.c_str());
    return fail("{}: could not be written: {}.", path, system_error(why));
  }
  return sync_folder(std::filesystem::path(path).parent_path().string());
}

FileLock::FileLock(const std::string& path)
    : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<bool> FileLock::try_lock() const {
  if (fd_ < 0) return fail("{}: could not be made. Is its folder one you can write to?", path_);
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return fail("{}: could not be locked: {}.", path_, system_error(errno));
}

Result<void> FileLock::wait(const std::function<bool()>& keep_going) const {
  for (;;) {
    MANG_TRY(bool locked, try_lock());
    if (locked) return {};
    if (!keep_going()) return fail("stopped while waiting for another download of the same model.");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace mang
