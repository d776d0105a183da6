// Which blocks of an unfinished download are on the disk, kept in a file beside it, so that a killed download goes on
// where it was. A block is marked after its bytes were written; what a power cut tears is found by the digest at the
// end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "hub/folder.h"

namespace mang {

// What an unfinished file must agree with to be gone on with.
struct DownloadIdentity {
  uint64_t bytes = 0;
  std::string version;  // the content's digest where it is known, otherwise the server's ETag or date
};

class DownloadJournal {
 public:
  static constexpr uint64_t kBlock = kMiB;

  DownloadJournal(const DownloadJournal&) = delete;
  DownloadJournal& operator=(const DownloadJournal&) = delete;
  DownloadJournal(DownloadJournal&& other) noexcept;
  DownloadJournal& operator=(DownloadJournal&&) = delete;
  ~DownloadJournal();

  // Reads the journal, or begins an empty one where there is none or it tells of another file.
  static Result<DownloadJournal> open(const Folder& folder, const std::string& name, const DownloadIdentity& identity);

  [[nodiscard]] size_t blocks() const { return done_.size(); }
  [[nodiscard]] bool has(size_t block) const { return done_[block] != 0; }
  [[nodiscard]] uint64_t bytes_of(size_t block) const;
  [[nodiscard]] uint64_t bytes_done() const;
  Result<void> mark(size_t block);
  // Forgets all blocks: the file has to be fetched anew.
  Result<void> clear();

 private:
  DownloadJournal(std::string path, DownloadIdentity identity);
  Result<void> write_head();

  std::string path_;
  int fd_ = -1;
  DownloadIdentity identity_;
  std::vector<uint8_t> done_;
};

}  // namespace mang
