// A disk that is really full, where this user may mount a small one: a pull in the middle of its work, and a result
// that does not fit. (fault_test.cpp lets the calls fail everywhere, one after the other.)
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/subprocess.h"
#include "reliability/cache_checks.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

// A file system of its own in memory. Where mounting is not allowed, mounted() is false.
class SmallDisk {
 public:
  SmallDisk(const std::string& at, const std::string& size) : at_(at) {
    fs::create_directory(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    if (!mounted_) std::printf("measured: a full disk: not mounted here (%s), only simulated\n", std::strerror(errno));
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  // Takes all that is free, as another program would.
  void fill() const {
    std::ofstream out(at_ + "/filler", std::ios::binary);
    const std::string piece(65536, 'f');
    while (out.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush().good()) {
    }
  }
  void make_room() const { fs::remove(at_ + "/filler"); }

 private:
  std::string at_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("a disk that fills up during a pull stops it with a sentence; with room again it goes on") {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"), "90m");
  if (!disk.mounted()) return;
  const std::string content(12 * 1024 * 1024 + 77, 'm'), cache = dir.file("disk/hf");
  FakeHub hub({{"model-Q8_0.gguf", content}}, {"model-Q8_0.gguf"});
  How how;
  how.environment = {"HF_ENDPOINT=" + hub.url(), "HF_HUB_CACHE=" + cache, "no_proxy=127.0.0.1,localhost"};
  const std::vector<std::string> command = {"pull", "-q", "hf:org/model:Q8_0"};

  hub.bytes_per_second = 1'500'000;  // of each connection: longer than filling the disk takes
  Running running(command, how);
  for (int i = 0; i < 500 && hub.store().body_bytes_sent() < 7'000'000; ++i) ::usleep(10'000);
  disk.fill();
  hub.bytes_per_second = 0;
  const Ran ran = running.finish(how);
  CAPTURE(ran.err);
  CHECK(ran.code == 1);
  CHECK(has(ran.err, "the disk is full. Free some space and run the same command again"));
  for (const std::string& path : wrong_in_hf_cache(cache, true)) FAIL_CHECK(path);
  const Ran still = mang(command, how);
  CHECK(still.code == 1);
  CHECK(has(still.err, "Free some space"));

  disk.make_room();
  const uint64_t before = hub.store().body_bytes_sent();
  const Ran again = mang(command, how);
  CAPTURE(again.err);
  CHECK(again.code == 0);
  for (const std::string& path : wrong_in_hf_cache(cache, false)) FAIL_CHECK(path);
  CHECK(hub.store().body_bytes_sent() - before < content.size());  // not from the beginning
  std::printf("measured: a full disk: a pull stopped, then went on with %.1f of %.1f MiB left to fetch\n",
              static_cast<double>(hub.store().body_bytes_sent() - before) / (1 << 20),
              static_cast<double>(content.size()) / (1 << 20));
}

TEST_CASE("a result that does not fit on the disk leaves the one that was there") {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"), "64k");
  if (!disk.mounted()) return;
  const std::string model = kGguf, out = dir.file("disk/out.npy");
  std::string list = "[1";
  for (int i = 0; i < 199; ++i) list += ", 1";
  const std::string ids = dir.write("ids.json", list + "]");
  dir.write("disk/out.npy", "what was there before");
  const Ran ran = mang({"logits", model, "--ids", ids, "-o", out});
  CAPTURE(ran.err);
  CHECK(ran.code == 1);
  CHECK(has(ran.err, "the disk is full. Free some space"));
  CHECK(read_file(out) == "what was there before");
  CHECK(files_below(dir.file("disk")).size() == 1);
}

}  // namespace mang::test
