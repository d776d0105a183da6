// The folder where Hugging Face's tools keep downloaded models, read and written in their layout, so that a model is
// on the disk once whoever fetched it:
//   models--organisation--name/
//     refs/<revision>                     the commit a branch or tag stood at
//     snapshots/<commit>/<path>           links to …
//     blobs/<etag>                        … the contents
//   .locks/models--organisation--name/<etag>.lock
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/digest_cache.h"
#include "hub/fetch_progress.h"
#include "hub/hf_repo.h"

namespace mang {

struct CachedSnapshot {
  std::string id;
  std::string revision;  // the ref that names it; "" where none does
  std::string commit;
  std::string folder;
};

class HfCache {
 public:
  // root: "HF_HUB_CACHE". Made when first written to. digests: told what was verified.
  explicit HfCache(std::string root, DigestCache digests = DigestCache(""))
      : root_(std::move(root)), digests_(std::move(digests)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string repo_folder(const std::string& id) const;
  [[nodiscard]] std::string snapshot_folder(const std::string& id, const std::string& commit) const;

  // The commit of a branch or tag that is here, or of a commit whose snapshot is here.
  [[nodiscard]] std::optional<std::string> find_commit(const std::string& id, const std::string& revision) const;
  // The path of a file in a snapshot, if its content is here.
  [[nodiscard]] std::optional<std::string> find_file(const std::string& id, const std::string& commit,
                                                     const std::string& path) const;
  // The files of a snapshot that are here, as the hub would list them; sizes and digests, which choosing does not need,
  // are left empty.
  [[nodiscard]] HfRepo local_repo(const std::string& id, const std::string& revision, const std::string& commit) const;
  // Every snapshot of every model, whichever tool fetched it.
  [[nodiscard]] std::vector<CachedSnapshot> snapshots() const;

  // Fetches the files that are not here and makes the snapshot complete: the last file and the ref become visible last.
  // Several processes may ask at once; one fetches a file, the others wait for it. Returns the snapshot's folder.
  Result<std::string> fetch(const HfEndpoint& endpoint, const HfRepo& repo, const std::vector<HfFile>& files,
                            const FetchWatcher& progress) const;

  // Deletes a model's folder. False: it was not here.
  Result<bool> remove(const std::string& id) const;
  // Deletes some files of a snapshot, and their contents where no other snapshot uses them; the whole model with its
  // last weights. False: none of them was here.
  Result<bool> remove_files(const std::string& id, const std::string& commit,
                            const std::vector<std::string>& paths) const;

 private:
  std::string root_;
  DigestCache digests_;
};

}  // namespace mang
