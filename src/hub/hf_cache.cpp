#include "hub/hf_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/ascii.h"
#include "base/mapped_file.h"
#include "base/units.h"
#include "hub/download.h"
#include "hub/durable.h"
#include "hub/folder.h"

namespace mang {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestRef = 256;
constexpr uint64_t kSpareBytes = 64 * kMiB;  // left free on the disk

bool is_commit(const std::string& text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

// A branch or tag as a path below refs/: "main", "refs/pr/1".
bool is_safe_revision(const std::string& revision) {
  return !revision.empty() && revision.front() != '/' && revision.find("..") == std::string::npos &&
         std::all_of(revision.begin(), revision.end(),
                     [](unsigned char c) { return c > 0x20 && c != 0x7F && c != '\\'; });
}

bool is_real_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(fs::symlink_status(path, error));
}

fs::path real_path(const fs::path& path) {
  std::error_code error;
  return fs::canonical(path, error);  // empty: it is not there
}

// Whether a path, its links followed, is a file below a folder whose real path is given. A link that leads out of a
// model's folder is none of its files.
bool is_file_within(const fs::path& path, const fs::path& inside) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  const auto [rest, ignored] = std::mismatch(inside.begin(), inside.end(), real_path(path).begin());
  return !inside.empty() && rest == inside.end();
}

// "../../blobs/<etag>", with one more ".." for each folder in the path.
std::string link_to_blob(const std::string& path, const std::string& etag) {
  std::string up = "../../";
  for (const char c : path) up += c == '/' ? "../" : "";
  return up + "blobs/" + etag;
}

// "a/b/c" → {"a/b", "c"}.
std::pair<std::string, std::string> split(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::pair(std::string(), path)
                                    : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

// The folders of a model while it is fetched.
struct RepoFolders {
  Folder repo, blobs, snapshot, locks;

  static Result<RepoFolders> make(const std::string& root_path, const std::string& name, const std::string& commit) {
    MANG_TRY(const Folder root, Folder::make(root_path));
    MANG_TRY(Folder repo, root.make_below(name));
    MANG_TRY(Folder blobs, repo.make_below("blobs"));
    MANG_TRY(Folder snapshot, repo.make_below("snapshots/" + commit));
    MANG_TRY(Folder locks, root.make_below(".locks/" + name));
    return RepoFolders{std::move(repo), std::move(blobs), std::move(snapshot), std::move(locks)};
  }
};

// One bar over all files: what earlier files took is added to what the present one reports.
struct TotalProgress {
  const FetchWatcher& watcher;
  uint64_t total = 0;
  uint64_t before = 0;

  [[nodiscard]] bool show(const FetchProgress& progress) const {
    return !watcher || watcher({progress.stage, before + progress.done, total});
  }
};

// Room for what is not here yet, less what an earlier try already took.
Result<void> expect_free_space(const std::string& folder, const HfRepo& repo, const std::vector<HfFile>& files) {
  uint64_t missing = 0, begun = 0;
  for (const HfFile& file : files) {
    const std::string blob = folder + "/blobs/" + file.etag();
    struct stat part;
    if (::lstat(blob.c_str(), &part) != 0 || !S_ISREG(part.st_mode)) missing += file.bytes;
    if (::lstat((blob + ".mang-part").c_str(), &part) == 0) begun += static_cast<uint64_t>(part.st_blocks) * 512;
  }
  const auto available = free_bytes(folder);
  if (!available || *available + begun >= missing + kSpareBytes) return {};
  return fail("{}: {} free, {} needed for hf:{}. Free some space, or set HF_HUB_CACHE to a folder on a larger disk.",
              folder, human_bytes(*available), human_bytes(missing + kSpareBytes - std::min(begun, missing)), repo.id);
}

}  // namespace

std::string HfCache::repo_folder(const std::string& id) const {
  const size_t slash = id.find('/');
  return fmt::format("{}/models--{}--{}", root_, id.substr(0, slash), id.substr(slash + 1));
}

std::string HfCache::snapshot_folder(const std::string& id, const std::string& commit) const {
  return repo_folder(id) + "/snapshots/" + commit;
}

std::optional<std::string> HfCache::find_commit(const std::string& id, const std::string& revision) const {
  std::string commit = revision;
  if (!is_commit(revision)) {
    if (!is_safe_revision(revision)) return std::nullopt;
    Result<std::string> ref = read_text_file(repo_folder(id) + "/refs/" + revision, kLongestRef);
    if (!ref.ok()) return std::nullopt;
    commit = ascii_right_trimmed(*ref);
  }
  if (!is_commit(commit) || !is_real_folder(snapshot_folder(id, commit))) return std::nullopt;
  return commit;
}

std::optional<std::string> HfCache::find_file(const std::string& id, const std::string& commit,
                                              const std::string& path) const {
  const std::string whole = snapshot_folder(id, commit) + "/" + path;
  if (!is_file_within(whole, real_path(repo_folder(id)))) return std::nullopt;
  return whole;
}

HfRepo HfCache::local_repo(const std::string& id, const std::string& revision, const std::string& commit) const {
  HfRepo repo{.id = id, .revision = revision, .commit = commit, .gated = false, .files = {}};
  const fs::path folder = snapshot_folder(id, commit), inside = real_path(repo_folder(id));
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!is_file_within(it->path(), inside)) continue;
    // Lexically: the files are links, and what they lead to has no names.
    repo.files.push_back(
        {.path = it->path().lexically_relative(folder).string(), .bytes = 0, .sha256 = "", .git_sha1 = ""});
  }
  std::sort(repo.files.begin(), repo.files.end(), [](const HfFile& a, const HfFile& b) { return a.path < b.path; });
  return repo;
}

std::vector<CachedSnapshot> HfCache::snapshots() const {
  std::vector<CachedSnapshot> out;
  std::error_code error;
  for (fs::directory_iterator repo(root_, error), end; !error && repo != end; repo.increment(error)) {
    const std::string name = repo->path().filename().string();
    if (!name.starts_with("models--")) continue;
    const size_t split = name.find("--", 8);
    if (split == std::string::npos) continue;
    const std::string id = name.substr(8, split - 8) + "/" + name.substr(split + 2);
    std::error_code inner;
    for (fs::directory_iterator snapshot(repo->path() / "snapshots", inner), last; !inner && snapshot != last;
         snapshot.increment(inner)) {
      const std::string commit = snapshot->path().filename().string();
      if (!is_commit(commit) || !is_real_folder(snapshot->path())) continue;
      const bool main = find_commit(id, "main") == commit;
      out.push_back({.id = id, .revision = main ? "main" : "", .commit = commit, .folder = snapshot->path().string()});
    }
  }
  std::sort(out.begin(), out.end(), [](const CachedSnapshot& a, const CachedSnapshot& b) {
    return std::tie(a.id, a.commit) < std::tie(b.id, b.commit);
  });
  return out;
}

Result<std::string> HfCache::fetch(const HfEndpoint& endpoint, const HfRepo& repo, const std::vector<HfFile>& files,
                                   const FetchWatcher& watcher) const {
  TotalProgress progress{.watcher = watcher};
  for (const HfFile& file : files) {
    if (file.etag().empty())
      return fail("hf:{}: the hub names no digest of '{}', so it cannot be checked.", repo.id, file.path);
    progress.total += file.bytes;
  }
  const std::string name = fs::path(repo_folder(repo.id)).filename().string();
  MANG_TRY(const RepoFolders folders, RepoFolders::make(root_, name, repo.commit));
  MANG_TRY(expect_free_space(folders.repo.path(), repo, files));

  for (const HfFile& file : files) {
    const FileLock lock(folders.locks, file.etag() + ".lock");
    MANG_TRY(lock.wait([&] { return progress.show({FetchStage::waiting, 0, 0}); }));
    if (!folders.blobs.has_file(file.etag())) {
      DownloadRequest request;
      request.url = hf_file_url(endpoint, repo, file.path);
      request.bearer_token = endpoint.token;
      request.bytes = file.bytes;
      request.sha256 = file.sha256;
      request.git_sha1 = file.sha256.empty() ? file.git_sha1 : "";
      request.folder = &folders.blobs;
      request.name = file.etag();
      request.digests = &digests_;
      DownloadOptions options;
      options.connect_timeout_ms = endpoint.connect_timeout_ms;
      options.progress = [&](const FetchProgress& p) { return progress.show(p); };
      if (auto done = download_file(request, options); !done.ok())
        return done.error().in(fmt::format("hf:{}: {}", repo.id, file.path));
    }
    const auto [below, link] = split(file.path);
    MANG_TRY(const Folder parent, folders.snapshot.make_below(below));
    MANG_TRY(parent.place_link(link_to_blob(file.path, file.etag()), link, folders.blobs));
    progress.before += file.bytes;
  }
  if (!is_commit(repo.revision) && is_safe_revision(repo.revision)) {
    const auto [below, ref] = split("refs/" + repo.revision);
    MANG_TRY(const Folder parent, folders.repo.make_below(below));
    MANG_TRY(parent.write_atomically(ref, repo.commit, folders.blobs));
  }
  return folders.snapshot.path();
}

Result<bool> HfCache::remove(const std::string& id) const {
  const fs::path folder = repo_folder(id);
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  MANG_TRY(const Folder root, Folder::open(root_));
  MANG_TRY(remove_whole(root, folder.filename().string()));
  return true;
}

Result<bool> HfCache::remove_files(const std::string& id, const std::string& commit,
                                   const std::vector<std::string>& paths) const {
  MANG_TRY(const Folder root, Folder::open(root_));
  MANG_TRY(const Folder repo, root.open_below(fs::path(repo_folder(id)).filename().string()));
  MANG_TRY(const Folder snapshot, repo.open_below("snapshots/" + commit));
  std::vector<std::string> blobs;
  bool any = false;
  for (const std::string& path : paths) {
    const auto [below, name] = split(path);
    const auto parent = snapshot.open_below(below);
    if (!parent.ok()) continue;
    const auto target = parent->read_link(name);
    if (!target && !parent->has_file(name)) continue;
    any = true;
    if (target) blobs.push_back(fs::path(*target).filename().string());
    if (!parent->remove_file(name)) return write_error(parent->path(name));
  }
  std::vector<std::string> used;
  bool weights = false;
  std::error_code error;
  for (fs::recursive_directory_iterator it(repo.path() + "/snapshots", error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (it->is_symlink(gone)) used.push_back(fs::read_symlink(it->path(), gone).filename().string());
    const auto extension = it->path().extension();
    weights = weights || extension == ".gguf" || extension == ".safetensors" || extension == ".bin";
  }
  if (any && !weights) return remove(id);
  const auto contents = repo.open_below("blobs");
  for (const std::string& blob : blobs) {
    if (contents.ok() && std::find(used.begin(), used.end(), blob) == used.end()) contents->remove_file(blob);
  }
  return any;
}

}  // namespace mang
