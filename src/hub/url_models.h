// Models by address: a GGUF file at an http(s) URL, whole or in parts, kept below the store's folder "by-address".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/digest_cache.h"
#include "hub/fetch_progress.h"

namespace mang {

class UrlModels {
 public:
  // digests: told what was verified.
  explicit UrlModels(std::string root, DigestCache digests = DigestCache(""))
      : root_(std::move(root)), digests_(std::move(digests)) {}

  // The path of what was fetched from this address before.
  [[nodiscard]] std::optional<std::string> find(const std::string& url) const;

  // Fetches it when it is not here; of a file in parts (…-00001-of-00003.gguf) all of them. Only its length can be
  // checked: an address names no digest. `sha256` is the user's own (of a whole file), or empty.
  Result<std::string> fetch(const std::string& url, const std::string& sha256, const FetchWatcher& progress) const;

 private:
  std::string root_;
  DigestCache digests_;
};

// The addresses of all parts of a split file, in order; {url} for one that is whole.
Result<std::vector<std::string>> addresses_of_parts(const std::string& url);

// The file name at the end of an address; an error where it is not that of a GGUF file.
Result<std::string> file_name_of(const std::string& url);

}  // namespace mang
