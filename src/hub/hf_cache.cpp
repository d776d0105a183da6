#include "hub/hf_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/units.h"
#include "hub/download.h"
#include "hub/durable.h"

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

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return fail("{}: could not be made: {}. Set HF_HUB_CACHE to a folder you can write to.", folder.string(),
                system_error(error));
  }
  return {};
}

// "../../blobs/<etag>", with one more ".." for each folder in the path.
std::string link_to_blob(const std::string& path, const std::string& etag) {
  std::string up = "../../";
  for (const char c : path) up += c == '/' ? "../" : "";
  return up + "blobs/" + etag;
}

// Puts a link in place; what was there (an older link) is replaced at once.
Result<void> place_link(const std::string& target, const fs::path& link) {
  std::error_code error;
  if (fs::is_symlink(link, error) && fs::read_symlink(link, error) == target) return {};
  const std::string temporary = link.string() + fmt::format(".{}.mang-link", ::getpid());
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0 || ::rename(temporary.c_str(), link.c_str()) != 0) {
    const int why = errno;
    ::unlink(temporary.c_str());
    return fail("{}: could not be put in place: {}.", link.string(), system_error(why));
  }
  return sync_folder(link.parent_path().string());
}

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
    std::error_code error;
    if (!fs::exists(blob, error)) missing += file.bytes;
    struct stat part;
    if (::stat((blob + ".mang-part").c_str(), &part) == 0) begun += static_cast<uint64_t>(part.st_blocks) * 512;
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
  std::error_code error;
  std::string commit = revision;
  if (!is_commit(revision)) {
    if (!is_safe_revision(revision)) return std::nullopt;
    Result<std::string> ref = read_text_file(repo_folder(id) + "/refs/" + revision, kLongestRef);
    if (!ref.ok()) return std::nullopt;
    commit = *ref;
    while (!commit.empty() && std::isspace(static_cast<unsigned char>(commit.back()))) commit.pop_back();
  }
  if (!is_commit(commit) || !fs::is_directory(snapshot_folder(id, commit), error)) return std::nullopt;
  return commit;
}

std::optional<std::string> HfCache::find_file(const std::string& id, const std::string& commit,
                                              const std::string& path) const {
  const std::string whole = snapshot_folder(id, commit) + "/" + path;
  std::error_code error;
  if (!fs::is_regular_file(whole, error)) return std::nullopt;  // follows the link
  return whole;
}

HfRepo HfCache::local_repo(const std::string& id, const std::string& revision, const std::string& commit) const {
  HfRepo repo{.id = id, .revision = revision, .commit = commit, .gated = false, .files = {}};
  const fs::path folder = snapshot_folder(id, commit);
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone)) continue;
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
      if (!is_commit(commit)) continue;
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
  const fs::path folder = repo_folder(repo.id), blobs = folder / "blobs";
  const fs::path snapshot = snapshot_folder(repo.id, repo.commit);
  const fs::path locks = fs::path(root_) / ".locks" / folder.filename();
  for (const fs::path& made : {blobs, snapshot, folder / "refs", locks}) MANG_TRY(make_folder(made));

  TotalProgress progress{.watcher = watcher};
  std::error_code error;
  for (const HfFile& file : files) {
    if (file.etag().empty())
      return fail("hf:{}: the hub names no digest of '{}', so it cannot be checked.", repo.id, file.path);
    progress.total += file.bytes;
  }
  MANG_TRY(expect_free_space(folder.string(), repo, files));

  for (const HfFile& file : files) {
    const std::string blob = (blobs / file.etag()).string();
    const FileLock lock((locks / (file.etag() + ".lock")).string());
    MANG_TRY(lock.wait([&] { return progress.show({FetchStage::waiting, 0, 0}); }));
    if (!fs::exists(blob, error)) {
      DownloadRequest request;
      request.url = hf_file_url(endpoint, repo, file.path);
      request.bearer_token = endpoint.token;
      request.bytes = file.bytes;
      request.sha256 = file.sha256;
      request.git_sha1 = file.sha256.empty() ? file.git_sha1 : "";
      request.target = blob;
      DownloadOptions options;
      options.connect_timeout_ms = endpoint.connect_timeout_ms;
      options.progress = [&](const FetchProgress& p) { return progress.show(p); };
      if (auto done = download_file(request, options); !done.ok())
        return done.error().in(fmt::format("hf:{}: {}", repo.id, file.path));
    }
    const fs::path link = snapshot / file.path;
    MANG_TRY(make_folder(link.parent_path()));
    MANG_TRY(place_link(link_to_blob(file.path, file.etag()), link));
    progress.before += file.bytes;
  }
  if (!is_commit(repo.revision) && is_safe_revision(repo.revision)) {
    const fs::path ref = folder / "refs" / repo.revision;
    MANG_TRY(make_folder(ref.parent_path()));
    MANG_TRY(write_file_atomically(ref.string(), repo.commit));
  }
  return snapshot.string();
}

Result<bool> HfCache::remove(const std::string& id) const {
  const std::string folder = repo_folder(id);
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  // Renamed first, so that no reader meets half a model.
  const std::string doomed = fmt::format("{}/.mang-removed-{}", root_, ::getpid());
  fs::rename(folder, doomed, error);
  if (error) return fail("{}: could not be removed: {}.", folder, system_error(error));
  fs::remove_all(doomed, error);
  if (error) return fail("{}: could not be removed whole: {}.", doomed, system_error(error));
  return true;
}

Result<bool> HfCache::remove_files(const std::string& id, const std::string& commit,
                                   const std::vector<std::string>& paths) const {
  const fs::path folder = repo_folder(id), snapshot = snapshot_folder(id, commit);
  std::error_code error;
  std::vector<std::string> blobs;
  bool any = false;
  for (const std::string& path : paths) {
    const fs::path link = snapshot / path;
    if (!fs::exists(fs::symlink_status(link, error))) continue;
    any = true;
    if (fs::is_symlink(link, error)) blobs.push_back(fs::read_symlink(link, error).filename().string());
    fs::remove(link, error);
    if (error) return fail("{}: could not be removed: {}.", link.string(), system_error(error));
  }
  std::vector<std::string> used;
  bool weights = false;
  for (fs::recursive_directory_iterator it(folder / "snapshots", error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (it->is_symlink(gone)) used.push_back(fs::read_symlink(it->path(), gone).filename().string());
    const auto extension = it->path().extension();
    weights = weights || extension == ".gguf" || extension == ".safetensors" || extension == ".bin";
  }
  if (any && !weights) return remove(id);
  for (const std::string& blob : blobs) {
    if (std::find(used.begin(), used.end(), blob) == used.end()) fs::remove(folder / "blobs" / blob, error);
  }
  return any;
}

}  // namespace mang
