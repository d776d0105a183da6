#include "hub/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/open_file.h"

namespace mang {
namespace {

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr int kDeepest = 100;  // folders in a folder that is taken away

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// A name no other file has, of this process or another.
std::string unlike_others() {
  return fmt::format("{}-{:x}", ::getpid(), std::chrono::steady_clock::now().time_since_epoch().count());
}

// Why there is no folder, by errno.
Error no_folder(const std::string& path) {
  if (errno == ENOSPC || errno == EDQUOT) return write_error(path);
  return fail("{}: could not be opened: {}. Set HF_HUB_CACHE or XDG_CACHE_HOME to a folder you can write to.", path,
              system_error(errno));
}

// The same of one of ours, below a folder the user named.
Error no_folder_below(const std::string& path) {
  if (errno != ELOOP && errno != ENOTDIR) return no_folder(path);
  return fail("{}: is a link or a file where a folder belongs, and is not followed. Move it away and try again.", path);
}

Result<void> write_all(int fd, const std::string& content, const std::string& path) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return write_error(path);
    done += static_cast<size_t>(n);
  }
  if (::fsync(fd) != 0) return write_error(path);
  return {};
}

// Takes away what `name` in the folder `parent` is; 0, or errno.
int remove_at(int parent, const char* name, int depth) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (depth > kDeepest) return ELOOP;
  const int fd = ::openat(parent, name, kOpenFolder | O_NOFOLLOW);
  if (fd < 0) return errno;
  const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(fd));
  if (!folder) {
    const int why = errno;
    ::close(fd);
    return why;
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr && errno != 0) return errno;
    if (entry == nullptr) break;
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    if (const int why = remove_at(fd, entry->d_name, depth + 1)) return why;
  }
  return ::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

Error write_error(const std::string& path) {
  if (errno == ENOSPC || errno == EDQUOT) {
    return fail("{}: the disk is full. Free some space and run the same command again: it goes on where it stopped.",
                path);
  }
  return fail("{}: could not be written: {}.", path, system_error(errno));
}

Folder::Folder(Folder&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

Folder& Folder::operator=(Folder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

Folder::~Folder() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Folder> Folder::open(const std::string& path) {
  Folder folder(path);
  folder.fd_ = ::open(path.c_str(), kOpenFolder);
  if (folder.fd_ < 0) return no_folder(path);
  return folder;
}

Result<Folder> Folder::make(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  errno = error.value();
  if (error) return no_folder(path);
  return open(path);
}

Result<Folder> Folder::below(const std::string& relative, bool make) const {
  Folder at(path_);
  at.fd_ = ::openat(fd_, ".", kOpenFolder);
  if (at.fd_ < 0) return no_folder_below(path_);
  for (const auto& step : std::filesystem::path(relative)) {
    const std::string name = step.string();
    MANG_CHECK(!name.empty() && name != "." && name != ".." && name != "/");
    if (make && ::mkdirat(at.fd_, name.c_str(), 0755) != 0 && errno != EEXIST) return no_folder_below(at.path(name));
    Folder next(at.path(name));
    next.fd_ = ::openat(at.fd_, name.c_str(), kOpenFolder | O_NOFOLLOW);
    if (next.fd_ < 0) return no_folder_below(next.path_);
    at = std::move(next);
  }
  return at;
}

Result<Folder> Folder::open_below(const std::string& relative) const { return below(relative, false); }
Result<Folder> Folder::make_below(const std::string& relative) const { return below(relative, true); }

int Folder::open_file(const std::string& name, int flags) const {
  return ::openat(fd_, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
}

Result<int> Folder::open_to_write(const std::string& name) const {
  for (int tries = 0; tries < 2; ++tries) {
    const int fd = open_file(name, O_RDWR | O_CREAT);
    struct stat info {};
    if (fd >= 0 && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1) return fd;
    const bool foreign = fd >= 0 ? info.st_nlink > 0 : errno == ELOOP || errno == ENXIO;
    const int why = errno;
    if (fd >= 0) ::close(fd);
    errno = why;
    if (!foreign) return write_error(path(name));
    if (!remove_file(name)) return write_error(path(name));
  }
  return fail("{}: another program keeps putting something in the way of this file.", path(name));
}

bool Folder::has_file(const std::string& name) const {
  struct stat info;
  return ::fstatat(fd_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
}

std::optional<std::string> Folder::read_link(const std::string& name) const {
  std::string target(4096, '\0');
  const ssize_t n = ::readlinkat(fd_, name.c_str(), target.data(), target.size());
  if (n < 0) return std::nullopt;
  target.resize(static_cast<size_t>(n));
  return target;
}

Result<void> Folder::publish(int fd, const std::string& name, const Folder& to, const std::string& as) const {
  struct stat mine, seen;
  if (::fstat(fd, &mine) != 0) return write_error(path(name));
  if (::renameat(fd_, name.c_str(), to.fd_, as.c_str()) != 0) return write_error(to.path(as));
  if (::fstatat(to.fd_, as.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) return write_error(to.path(as));
  if (seen.st_dev != mine.st_dev || seen.st_ino != mine.st_ino) {
    to.remove_file(as);
    return fail("{}: another program changed it while it was put in place. Run the same command again.", to.path(as));
  }
  return to.sync();
}

Result<void> Folder::rename(const std::string& name, const std::string& as) const {
  if (::renameat(fd_, name.c_str(), fd_, as.c_str()) == 0) return {};
  return fail("{}: could not be renamed: {}.", path(name), system_error(errno));
}

Result<void> Folder::sync() const {
  if (::fsync(fd_) == 0 || errno == EINVAL) return {};  // some file systems have nothing to do for a folder
  return write_error(path_);
}

Result<void> Folder::place_link(const std::string& target, const std::string& name, const Folder& scratch) const {
  if (read_link(name) == target) return {};
  const std::string temporary = unlike_others() + ".mang-link";
  if (::symlinkat(target.c_str(), scratch.fd_, temporary.c_str()) == 0 &&
      ::renameat(scratch.fd_, temporary.c_str(), fd_, name.c_str()) == 0) {
    return sync();
  }
  const Error why = write_error(path(name));
  scratch.remove_file(temporary);
  return why;
}

Result<void> Folder::write_atomically(const std::string& name, const std::string& content,
                                      const Folder& scratch) const {
  const std::string temporary = unlike_others() + ".mang-part";
  const OpenFile file(scratch.open_file(temporary, O_WRONLY | O_CREAT | O_EXCL));
  if (file.fd < 0) return write_error(path(name));
  Result<void> done = write_all(file.fd, content, path(name));
  if (done.ok()) done = scratch.publish(file.fd, temporary, *this, name);
  if (!done.ok()) scratch.remove_file(temporary);
  return done;
}

Result<void> remove_whole(const Folder& parent, const std::string& name) {
  const std::string doomed = ".mang-removed-" + unlike_others();
  MANG_TRY(parent.rename(name, doomed));
  return parent.remove_tree(doomed);
}

bool Folder::remove_file(const std::string& name) const {
  return ::unlinkat(fd_, name.c_str(), 0) == 0 || errno == ENOENT;
}

Result<void> Folder::remove_tree(const std::string& name) const {
  const int why = remove_at(fd_, name.c_str(), 0);
  if (why == 0) return {};
  return fail("{}: could not be removed: {}.", path(name), system_error(why));
}

}  // namespace mang
