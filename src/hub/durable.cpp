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

namespace {

// Nothing has changed: the file is written beside the old one.
Error not_replaced(const std::string& path) {
  if (errno != ENOSPC && errno != EDQUOT) return write_error(path);
  return fail("{}: the disk is full, so the file stays as it was. Free some space and try again.", path);
}

Result<void> sync_folder(const std::string& path) {
  MANG_TRY(const Folder folder, Folder::open(path.empty() ? "." : path));
  return folder.sync();
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, const std::string& content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return not_replaced(path);
  bool ok = ::fchmod(fd, mode) == 0;
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
    errno = why;
    return not_replaced(path);
  }
  return sync_folder(std::filesystem::path(path).parent_path().string());
}

FileLock::FileLock(const Folder& folder, const std::string& name)
    : path_(folder.path(name)), fd_(folder.open_file(name, O_RDWR | O_CREAT)), error_(fd_ < 0 ? errno : 0) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<bool> FileLock::try_lock() const {
  if (fd_ < 0 && (error_ == ENOSPC || error_ == EDQUOT)) {
    errno = error_;
    return write_error(path_);
  }
  if (fd_ < 0) {
    return fail("{}: could not be made: {}. Is its folder one you can write to?", path_, system_error(error_));
  }
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

bool is_locked(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) != 0;
  ::close(fd);
  return locked;
}

}  // namespace mang
