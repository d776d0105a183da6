#include "cli/npy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/messages.h"

namespace mang::cli {

namespace {

// A full disk is said as such, whatever it stopped.
Error about_errno(const std::string& path, Error otherwise) {
  if (errno != ENOSPC && errno != EDQUOT) return otherwise;
  return Error{say("{}: the disk is full. Free some space and run the same command again.", path)};
}

}  // namespace

Result<NpyWriter> NpyWriter::create(const std::string& path, int64_t rows, int64_t cols) {
  NpyWriter writer;
  writer.path_ = path;
  struct stat info;
  const bool direct = ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  writer.pending_ = direct ? path : fmt::format("{}.{}.partial", path, ::getpid());
  writer.fd_ = ::open(writer.pending_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (writer.fd_ < 0) {
    return about_errno(path, Error{say("{}: could not be created: {}.", path, system_error(errno))});
  }
  writer.missing_ = static_cast<uint64_t>(rows) * static_cast<uint64_t>(cols);

  // Magic, version 1.0, header length, header: padded with spaces so that the data starts at a multiple of 64.
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
  constexpr size_t kPrefix = 10;
  while ((kPrefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string prefix("\x93NUMPY\x01\x00", 8);
  prefix += static_cast<char>(header.size() & 0xFF);
  prefix += static_cast<char>(header.size() >> 8);
  prefix += header;
  MANG_TRY(writer.write_bytes(prefix.data(), prefix.size()));
  return writer;
}

NpyWriter::NpyWriter(NpyWriter&& other) noexcept
    : path_(std::move(other.path_)),
      pending_(std::move(other.pending_)),
      fd_(std::exchange(other.fd_, -1)),
      missing_(other.missing_) {}

NpyWriter::~NpyWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (pending_ != path_) ::unlink(pending_.c_str());
}

Error NpyWriter::write_error() const {
  return about_errno(path_, Error{say("{}: could not be written: {}.", path_, system_error(errno))});
}

Result<void> NpyWriter::write_bytes(const void* bytes, size_t n) {
  const char* from = static_cast<const char*>(bytes);
  while (n > 0) {
    const ssize_t written = ::write(fd_, from, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return write_error();
    from += written;
    n -= static_cast<size_t>(written);
  }
  return {};
}

Result<void> NpyWriter::write(std::span<const float> values) {
  MANG_CHECK(values.size() <= missing_);
  missing_ -= values.size();
  return write_bytes(values.data(), values.size_bytes());
}

Result<void> NpyWriter::finish() {
  MANG_CHECK(missing_ == 0);
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0) {
    if (pending_ != path_) ::unlink(pending_.c_str());
    return write_error();
  }
  if (pending_ != path_ && ::rename(pending_.c_str(), path_.c_str()) != 0) {
    Error why = about_errno(path_, Error{say("{}: could not be put in place: {}.", path_, system_error(errno))});
    ::unlink(pending_.c_str());
    return why;
  }
  return {};
}

}  // namespace mang::cli
