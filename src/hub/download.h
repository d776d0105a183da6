// Downloads one file over http(s): several ranges at once, gone on with after any interruption, visible under its name
// only when it is whole and its digest was checked.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "hub/digest_cache.h"
#include "hub/fetch_progress.h"
#include "hub/folder.h"

namespace mang {

struct DownloadRequest {
  std::string url;
  std::string bearer_token;  // as in HttpRequest
  uint64_t bytes = 0;        // what the publisher says; 0: whatever the server says
  // What the publisher says of the content, lower-case hexadecimal; where both are empty only the length is checked.
  std::string sha256;
  std::string git_sha1;
  // The finished file. While under way: name.mang-part and name.mang-journal. The caller holds a lock on it.
  const Folder* folder = nullptr;
  std::string name;
  const DigestCache* digests = nullptr;  // told a SHA-256 that was checked
};

struct DownloadOptions {
  int connections = 4;
  int tries = 6;  // without a byte of progress between them, for each part
  int first_wait_ms =
      500;  // before the second try; doubles, up to 30 s; a server's Retry-After is honoured up to 2 min
  int connect_timeout_ms = 10000;
  int stall_timeout_s = 30;
  FetchWatcher progress;  // called on the calling thread; false stops and keeps what is there for the next time
};

// On failure what was fetched stays for the next call, unless it is known to be wrong (another version, another
// digest).
Result<void> download_file(const DownloadRequest& request, const DownloadOptions& options);

}  // namespace mang
