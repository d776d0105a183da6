#include "hub/inventory.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/ascii.h"
#include "base/mapped_file.h"
#include "hub/durable.h"
#include "hub/folder.h"
#include "hub/hf_repo.h"

namespace mang {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownId = 12;
constexpr size_t kLongestAddress = 8192;

// Adds a file (links followed) to what a model takes.
void add_file(StoredModel& model, const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return;
  model.bytes += static_cast<uint64_t>(info.st_size);
  model.changed = std::max<int64_t>(model.changed, info.st_mtime);
}

template <typename Visit>
void for_each_entry(const std::string& folder, const Visit& visit) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) visit(it->path());
}

template <typename Visit>
void for_each_file_below(const std::string& folder, const Visit& visit) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    visit(it->path());
}

// The catalog's name of what this file of a repository opens; empty: the catalog has none.
std::string catalog_name(const Catalog& catalog, const HfRepo& repo, const std::string& first_file) {
  for (const CatalogEntry& entry : catalog.entries()) {
    for (const CatalogSource& source : entry.sources) {
      const auto* hf = std::get_if<HfSource>(&source.from);
      if (!hf || hf->repo != repo.id || hf->revision != repo.revision) continue;
      for (const std::string& quantization : source.quantizations) {
        const auto files = select_hf_files(repo, hf->folder ? "" : quantization);
        if (!files.ok() || files->front().path != first_file) continue;
        const bool usual = &source == &entry.sources.front() && quantization == source.quantizations.front();
        return usual ? entry.name : entry.name + "-" + ascii_lower(quantization);
      }
    }
  }
  return "";
}

void add_snapshot(const Catalog& catalog, const HfCache& cache, const CachedSnapshot& snapshot,
                  std::vector<StoredModel>& out) {
  const HfRepo repo = cache.local_repo(snapshot.id, "main", snapshot.commit);
  const std::string full = snapshot.revision == "main" ? "" : "@" + snapshot.commit;
  bool whole_folder = false;
  std::vector<std::string> seen;  // first parts
  for (const HfFile& file : repo.files) {
    const bool gguf = file.path.ends_with(".gguf");
    if (!gguf && (file.path != "config.json" || whole_folder)) continue;
    const auto files = select_hf_files(repo, gguf ? file.path : "");
    if (!files.ok() || files->empty() || (!gguf && files->front().path != "config.json")) continue;
    if (std::find(seen.begin(), seen.end(), files->front().path) != seen.end()) continue;
    seen.push_back(files->front().path);
    whole_folder = whole_folder || !gguf;
    StoredModel model{.name = "hf:" + snapshot.id + full + (gguf ? ":" + files->front().path : ""),
                      .id = snapshot.commit.substr(0, kShownId),
                      .path = gguf ? snapshot.folder + "/" + files->front().path : snapshot.folder};
    if (full.empty()) {
      if (std::string known = catalog_name(catalog, repo, files->front().path); !known.empty())
        model.name = std::move(known);
    }
    for (const HfFile& part : *files) add_file(model, snapshot.folder + "/" + part.path);
    out.push_back(std::move(model));
  }
}

bool is_being_removed(const fs::path& path) { return path.filename().string().starts_with(".mang-removed-"); }

void add_address(const fs::path& folder, std::vector<StoredModel>& out) {
  if (is_being_removed(folder)) return;
  const auto address = read_text_file((folder / "address").string(), kLongestAddress);
  if (!address.ok()) return;
  StoredModel model{.name = std::string(ascii_right_trimmed(*address)),
                    .id = folder.filename().string().substr(0, kShownId),
                    .path = ""};
  std::vector<std::string> files;
  for_each_entry(folder.string(), [&](const fs::path& path) {
    if (path.extension() == ".gguf") files.push_back(path.string());
  });
  if (files.empty()) return;
  std::sort(files.begin(), files.end());
  model.path = files.front();
  for (const std::string& file : files) add_file(model, file);
  out.push_back(std::move(model));
}

void add_leftover(const std::string& root, const fs::path& path, Leftovers& out) {
  out.items.push_back({root, path.lexically_relative(root).string()});
  std::error_code error;
  const auto add = [&](const fs::path& file) {
    struct stat info;
    if (::lstat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode))
      out.bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  };
  if (fs::is_directory(fs::symlink_status(path, error))) {
    for_each_file_below(path.string(), add);
  } else {
    add(path);
  }
}

bool is_unfinished(const fs::path& path) {
  return path.extension() == ".mang-part" || path.extension() == ".mang-journal" || path.extension() == ".mang-link";
}

}  // namespace

std::vector<StoredModel> list_models(const Catalog& catalog, const Store& store, const HfCache& cache,
                                     const std::string& by_address) {
  std::vector<StoredModel> out;
  for (const CatalogEntry& entry : catalog.entries()) {
    for (const CatalogSource& source : entry.sources) {
      const auto* packaged = std::get_if<PackagedFile>(&source.from);
      const auto path = packaged ? store.find(*packaged) : std::nullopt;
      if (!path) continue;
      StoredModel model{.name = entry.name, .id = packaged->sha256.substr(0, kShownId), .path = *path};
      add_file(model, *path);
      out.push_back(std::move(model));
    }
  }
  for (const CachedSnapshot& snapshot : cache.snapshots()) add_snapshot(catalog, cache, snapshot, out);
  for_each_entry(by_address, [&](const fs::path& folder) { add_address(folder, out); });
  std::stable_sort(out.begin(), out.end(),
                   [](const StoredModel& a, const StoredModel& b) { return a.changed > b.changed; });
  return out;
}

Leftovers find_leftovers(const Store& store, const HfCache& cache, const std::string& by_address) {
  Leftovers out;
  for_each_entry(store.root(), [&](const fs::path& path) {
    const std::string lock = (path.parent_path() / path.stem()).string() + ".lock";
    if (is_being_removed(path) || (path.extension() == ".partial" && !is_locked(lock)))
      add_leftover(store.root(), path, out);
  });
  for_each_entry(cache.root(), [&](const fs::path& repo) {
    if (is_being_removed(repo)) return add_leftover(cache.root(), repo, out);
    for_each_entry((repo / "blobs").string(), [&](const fs::path& blob) {
      const std::string lock =
          cache.root() + "/.locks/" + repo.filename().string() + "/" + blob.stem().string() + ".lock";
      if (is_unfinished(blob) && !is_locked(lock)) add_leftover(cache.root(), blob, out);
    });
  });
  const std::string above = fs::path(by_address).parent_path().string();
  for_each_entry(by_address, [&](const fs::path& folder) {
    if (is_being_removed(folder)) return add_leftover(above, folder, out);
    if (is_locked((folder / "lock").string())) return;
    for_each_entry(folder.string(), [&](const fs::path& path) {
      if (is_unfinished(path)) add_leftover(above, path, out);
    });
  });
  return out;
}

Result<void> remove_leftover(const Leftovers::Item& item) {
  const fs::path path(item.path);
  MANG_TRY(const Folder root, Folder::open(item.root));
  MANG_TRY(const Folder folder, root.open_below(path.parent_path().string()));
  return folder.remove_tree(path.filename().string());
}

}  // namespace mang
