#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/open_file.h"

namespace mang {

namespace {

Result<int> open_regular(const std::string& path, size_t& size) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a named pipe is refused below, not waited for
  if (fd < 0) return fail("{}: cannot be opened ({}).", path, system_error(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return fail("{}: is not a regular file.", path);
  }
  size = static_cast<size_t>(info.st_size);
  return fd;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  size_t size = 0;
  MappedFile file;
  file.path_ = path;
  MANG_TRY(int fd, open_regular(path, size));
  file.size_ = size;
  if (size > 0) {
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      const int why = errno;
      ::close(fd);
      return fail("{}: cannot be mapped into memory ({}).", path, system_error(why));
    }
    file.data_ = static_cast<const std::byte*>(data);
  }
  ::close(fd);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

namespace {

// The whole pages inside (inward) or around (outward) a part of the mapping.
void advise(std::span<const std::byte> part, int advice, bool inward) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<uintptr_t>(part.data());
  auto end = begin + part.size();
  begin = inward ? (begin + page - 1) / page * page : begin / page * page;
  end = inward ? end / page * page : (end + page - 1) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void MappedFile::release(std::span<const std::byte> part) const { advise(part, MADV_DONTNEED, true); }
void MappedFile::prefetch(std::span<const std::byte> part) const { advise(part, MADV_WILLNEED, false); }

Result<std::string> read_text_file(const std::string& path, size_t max_bytes) {
  size_t size = 0;
  MANG_TRY(const int fd, open_regular(path, size));
  const OpenFile file(fd);
  if (size > max_bytes) {
    return fail("{}: has {} bytes, more than the {} allowed for such a file.", path, size, max_bytes);
  }
  std::string text(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd, text.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  if (done != size) return fail("{}: could not be read whole ({} of {} bytes).", path, done, size);
  return text;
}

}  // namespace mang
