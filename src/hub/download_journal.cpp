#include "hub/download_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mang {
namespace {

// A head of fixed size, then a byte for each block.
constexpr size_t kHead = 1024;

std::string head_of(const DownloadIdentity& identity) {
  std::string head = fmt::format("mang download 1\n{}\n{}\n", identity.bytes, identity.version.substr(0, kHead / 2));
  head.resize(kHead, '\n');
  return head;
}

// As pread and pwrite, gone on with where they are interrupted or do a part.
ssize_t read_at(int fd, void* to, size_t n, size_t at) {
  size_t done = 0;
  while (done < n) {
    const ssize_t part = ::pread(fd, static_cast<char*>(to) + done, n - done, static_cast<off_t>(at + done));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return -1;
    if (part == 0) break;
    done += static_cast<size_t>(part);
  }
  return static_cast<ssize_t>(done);
}

bool write_at(int fd, const void* from, size_t n, size_t at) {
  size_t done = 0;
  while (done < n) {
    const ssize_t part = ::pwrite(fd, static_cast<const char*>(from) + done, n - done, static_cast<off_t>(at + done));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return false;
    done += static_cast<size_t>(part);
  }
  return true;
}

}  // namespace

DownloadJournal::DownloadJournal(std::string path, DownloadIdentity identity)
    : path_(std::move(path)), identity_(std::move(identity)), done_((identity_.bytes + kBlock - 1) / kBlock, 0) {}

DownloadJournal::DownloadJournal(DownloadJournal&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      identity_(std::move(other.identity_)),
      done_(std::move(other.done_)) {}

DownloadJournal::~DownloadJournal() {
  if (fd_ >= 0) ::close(fd_);
}

Result<DownloadJournal> DownloadJournal::open(const Folder& folder, const std::string& name,
                                              const DownloadIdentity& identity) {
  const std::string path = folder.path(name);
  DownloadJournal journal(path, identity);
  MANG_TRY(journal.fd_, folder.open_to_write(name));
  std::string head(kHead, '\0');
  const bool same =
      read_at(journal.fd_, head.data(), kHead, 0) == static_cast<ssize_t>(kHead) && head == head_of(identity);
  if (!same) {
    MANG_TRY(journal.clear());
    return journal;
  }
  // A short journal only knows fewer blocks; any byte but 1 is a block not there.
  const ssize_t n = read_at(journal.fd_, journal.done_.data(), journal.done_.size(), kHead);
  if (n < 0) return fail("{}: could not be read: {}.", path, system_error(errno));
  std::transform(journal.done_.begin(), journal.done_.end(), journal.done_.begin(), [](uint8_t b) { return b == 1; });
  return journal;
}

uint64_t DownloadJournal::bytes_of(size_t block) const {
  return std::min<uint64_t>(kBlock, identity_.bytes - block * kBlock);
}

uint64_t DownloadJournal::bytes_done() const {
  uint64_t sum = 0;
  for (size_t b = 0; b < done_.size(); ++b) sum += done_[b] ? bytes_of(b) : 0;
  return sum;
}

Result<void> DownloadJournal::mark(size_t block) {
  const uint8_t one = 1;
  if (!write_at(fd_, &one, 1, kHead + block)) return write_error(path_);
  done_[block] = 1;
  return {};
}

Result<void> DownloadJournal::clear() {
  std::fill(done_.begin(), done_.end(), 0);
  const std::string head = head_of(identity_);
  if (::ftruncate(fd_, 0) != 0 || !write_at(fd_, head.data(), head.size(), 0)) {
    return write_error(path_);
  }
  return {};
}

}  // namespace mang
