#include "hub/digest_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>

#include "base/json.h"
#include "base/mapped_file.h"
#include "base/open_file.h"
#include "base/units.h"
#include "hub/digest.h"
#include "hub/durable.h"

namespace mang {

namespace {

constexpr size_t kLongestCache = 4 * kMiB;
constexpr size_t kMostEntries = 1000;
constexpr uint64_t kSmall = kMiB;
constexpr int64_t kSecond = 1'000'000'000;
// A file may change twice within one tick of the clock that stamps it, which is short or, on some disks, two seconds;
// what was written so lately is not remembered yet.
constexpr int64_t kTick = kSecond / 10;
constexpr int64_t kCoarseTick = 2 * kSecond;

int64_t nanoseconds(const struct timespec& time) { return int64_t{time.tv_sec} * kSecond + time.tv_nsec; }

int64_t now_ns() {
  struct timespec time = {};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

// What must be the same for a digest to hold.
Json stamp_of(const std::string& path, const struct stat& info) {
  return {{"path", path},
          {"device", static_cast<uint64_t>(info.st_dev)},
          {"inode", static_cast<uint64_t>(info.st_ino)},
          {"bytes", static_cast<uint64_t>(info.st_size)},
          {"modified_ns", nanoseconds(info.st_mtim)},
          {"changed_ns", nanoseconds(info.st_ctim)}};
}

// How long from now on a change may go unnoticed; 0 or less: none would.
int64_t unsettled_ns(const struct stat& info) {
  const bool coarse = info.st_mtim.tv_nsec == 0 && info.st_ctim.tv_nsec == 0;
  const int64_t changed = std::max(nanoseconds(info.st_ctim), nanoseconds(info.st_mtim));
  return changed + (coarse ? kCoarseTick : kTick) - now_ns();
}

// Its own place, whatever links lead to it.
std::string place_of(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::canonical(path, ignored).string();
}

// [{"stamp": …, "sha256": …, "seen": path as it was named}, …], the latest last. Whatever else is there counts as
// nothing.
Json read_entries(const std::string& file) {
  Json out = Json::array();
  const auto text = read_text_file(file, kLongestCache);
  if (!text.ok()) return out;
  const auto json = parse_json(*text, file);
  if (!json.ok() || !json->is_array() || json->size() > kMostEntries) return out;
  for (const Json& each : *json) {
    const Json none;
    const Json stamp = each.is_object() ? each.value("stamp", none) : none;
    const Json digest = each.is_object() ? each.value("sha256", none) : none;
    const Json seen = each.is_object() ? each.value("seen", none) : none;
    if (!stamp.is_object() || !stamp.value("path", none).is_string() || !digest.is_string()) continue;
    if (!seen.is_string()) continue;
    if (is_sha256(digest.get_ref<const std::string&>())) out.push_back(each);
  }
  return out;
}

// Two programs may write at once: what one of them then forgets is computed again.
void remember(const std::string& file, const Json& stamp, const std::string& sha256, const std::string& seen) {
  Json entries = Json::array();
  std::error_code ignored;
  for (const Json& each : read_entries(file)) {
    const auto& path = each["stamp"]["path"].get_ref<const std::string&>();
    if (path != stamp["path"].get_ref<const std::string&>() && std::filesystem::exists(path, ignored))
      entries.push_back(each);
  }
  if (entries.size() >= kMostEntries) entries.erase(entries.begin());
  entries.push_back({{"stamp", stamp}, {"sha256", sha256}, {"seen", seen}});
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), ignored);
  (void)write_file_atomically(file, dump_json(entries) + "\n", 0600).ok();  // a digest can always be computed
}

}  // namespace

Result<DigestCache::Digested> DigestCache::digest(const std::string& path,
                                                  const std::function<bool(uint64_t)>& progress) const {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat before, after;
  if (file.fd < 0 || ::fstat(file.fd, &before) != 0) {
    return fail("{}: could not be opened: {}.", path, system_error(errno));
  }
  if (!S_ISREG(before.st_mode)) return fail("{}: is no file.", path);
  std::error_code ignored;
  const std::string seen = std::filesystem::absolute(path, ignored).lexically_normal().string();
  const std::string place = place_of(path);
  const Json stamp = stamp_of(place, before);
  const bool settled = unsettled_ns(before) < 0;
  Digested out{.bytes = static_cast<uint64_t>(before.st_size), .changed_ns = nanoseconds(before.st_ctim)};
  if (!file_.empty()) {
    for (const Json& each : read_entries(file_)) {
      if (each["stamp"] != stamp) continue;
      out.sha256 = each["sha256"].get<std::string>();
      out.remembered = true;
      if (each["seen"] != seen) remember(file_, stamp, out.sha256, seen);
      return out;
    }
  }
  Digest digest = Digest::sha256();
  MANG_TRY(add_file(digest, file.fd, path, progress));
  if (::fstat(file.fd, &after) != 0 || stamp_of(place, after) != stamp) {
    return fail("{}: changed while it was read. Try again when nothing writes to it.", path);
  }
  out.sha256 = digest.hex();
  if (!file_.empty() && settled) remember(file_, stamp, out.sha256, seen);
  return out;
}

void DigestCache::remember_verified(int fd, const std::string& path, const std::string& sha256) const {
  struct stat info, after;
  if (file_.empty() || ::fstat(fd, &info) != 0 || static_cast<uint64_t>(info.st_size) < kSmall) return;
  const int64_t wait = unsettled_ns(info);
  if (wait > kTick) return;
  if (wait > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait));
  const std::string place = place_of(path);
  const Json stamp = stamp_of(place, info);
  if (place.empty() || ::fstat(fd, &after) != 0 || stamp_of(place, after) != stamp) return;
  remember(file_, stamp, sha256, "");  // it is found by the name it is used under
}

std::vector<std::string> DigestCache::paths_of(const std::string& sha256) const {
  std::vector<std::string> out;
  if (file_.empty()) return out;
  for (const Json& each : read_entries(file_)) {
    if (each["sha256"] == sha256 && each["seen"] != "") out.push_back(each["seen"].get<std::string>());
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace mang
