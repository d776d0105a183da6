// Pulls that are killed at any moment, one after the other and eight at a time, from a hub that also sends wrong bytes:
// nothing unverified is ever visible, and nothing that was verified piece by piece is fetched again.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <random>

#include "cli/subprocess.h"
#include "hub/download_journal.h"
#include "reliability/cache_checks.h"
#include "reliability/watcher.h"
#include "support/scale.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSize = 12 * 1024 * 1024 + 4321;
constexpr int kConnections = 4;  // of one download

struct World {
  World() : hub({{"model-Q8_0.gguf", content}}, {"model-Q8_0.gguf"}) { hub.bytes_per_second = 50'000'000; }

  [[nodiscard]] Running pull() const { return Running({"pull", "-q", "hf:org/model:Q8_0"}, how()); }
  [[nodiscard]] How how() const {
    How out;
    out.environment = {"HF_ENDPOINT=" + hub.url(), "HF_HUB_CACHE=" + cache(), "no_proxy=127.0.0.1,localhost"};
    return out;
  }
  [[nodiscard]] std::string cache() const { return folder.file("hf"); }
  [[nodiscard]] std::string blob() const { return cache() + "/models--org--model/blobs/" + sha256_of(content); }
  // The blocks that the journal of an unfinished download says are there.
  [[nodiscard]] std::vector<bool> journal() const {
    std::vector<bool> out;
    std::error_code error;
    if (!fs::exists(blob() + ".mang-journal", error)) return out;
    const std::string text = read_file(blob() + ".mang-journal");
    for (size_t i = 1024; i < text.size(); ++i) out.push_back(text[i] == 1);
    return out;
  }
  void check_whole() const {
    for (const std::string& path : wrong_in_hf_cache(cache(), false)) FAIL_CHECK(path);
    CHECK(read_file(cache() + "/models--org--model/snapshots/" + FakeHub::commit() + "/model-Q8_0.gguf") == content);
  }

  std::string content = noise(kSize);
  FakeHub hub;
  TempDir folder{TempDir::On::memory};
};

// Blocks that the journal had and that were asked for again.
int asked_again(const std::vector<bool>& journal, const std::vector<ServedRequest>& requests, size_t from) {
  int out = 0;
  for (size_t i = from; i < requests.size(); ++i) {
    if (!requests[i].range || requests[i].range->second == 0) continue;  // the question before a download
    for (size_t block = 0; block < journal.size(); ++block) {
      const uint64_t begin = block * DownloadJournal::kBlock;
      out += journal[block] && requests[i].range->first <= begin && begin <= requests[i].range->second ? 1 : 0;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a pull killed at any moment goes on, and nothing unverified is visible meanwhile") {
  World world;
  const Watcher watcher(world.cache());
  const int wanted = static_cast<int>(scale(reduced(15, 6), 200));
  std::mt19937 random(22);
  int kills = 0, downloads = 0, again = 0, corrupted = 0;
  // How long one takes that nobody kills: the moments are spread over that.
  const auto start = std::chrono::steady_clock::now();
  CHECK(world.pull().finish(world.how()).code == 0);
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  fs::remove_all(world.cache());
  while (kills < wanted) {
    const std::vector<bool> journal = world.journal();
    const size_t asked = world.hub.store().requests().size();
    Running running = world.pull();
    ::usleep(static_cast<useconds_t>(random() % static_cast<uint64_t>(whole.count())));
    running.kill();
    const Ran ran = running.finish(world.how());
    again += asked_again(journal, world.hub.store().requests(), asked);
    if (ran.code == 128 + SIGKILL) {
      ++kills;
      for (const std::string& path : wrong_in_hf_cache(world.cache(), true)) {
        CHECK_MESSAGE((path.ends_with(".mang-link") || path.find("refs/") != std::string::npos), path);
      }
      continue;
    }
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    world.check_whole();
    ++downloads;
    fs::remove_all(world.cache());
  }
  // Other bytes of the same number never get a name.
  fs::remove_all(world.cache());
  for (int i = 0; i < 3; ++i) {
    world.hub.corrupt = true;
    const Ran refused = world.pull().finish(world.how());
    world.hub.corrupt = false;
    CHECK(refused.code == 1);
    CHECK(has(refused.err, "not what its publisher names"));
    CHECK_FALSE(fs::exists(world.blob()));
    ++corrupted;
  }
  const Ran last = world.pull().finish(world.how());
  CAPTURE(last.err);
  CHECK(last.code == 0);
  world.check_whole();
  CHECK(again == 0);
  CHECK(watcher.unverified() == 0);
  std::printf(
      "measured: kills: %d pulls killed, %d came to their end between, %d with wrong bytes refused; %d finished blocks "
      "fetched again; %llu looks, %llu unverified files seen\n",
      kills, downloads + 1, corrupted, again, static_cast<unsigned long long>(watcher.looks()),
      static_cast<unsigned long long>(watcher.unverified()));
}

TEST_CASE("eight pulls of one model at once, some of them killed, fetch it once") {
  World world;
  const Watcher watcher(world.cache());
  std::mt19937 random(8);
  const int rounds = static_cast<int>(scale(1, 10));
  for (int round = 0; round < rounds; ++round) {
    fs::remove_all(world.cache());
    const uint64_t before = world.hub.store().body_bytes_sent();
    std::vector<Running> pulls;
    for (int i = 0; i < 8; ++i) pulls.push_back(world.pull());
    for (int i = 0; i < 4; ++i) {
      ::usleep(random() % 150'000);
      pulls[static_cast<size_t>(2 * i)].kill();
    }
    int killed = 0;
    for (size_t i = 0; i < pulls.size(); ++i) {
      const Ran ran = pulls[i].finish(world.how());
      CAPTURE(ran.err);
      CHECK((ran.code == 0 || (i % 2 == 0 && ran.code == 128 + SIGKILL)));
      killed += ran.code == 0 ? 0 : 1;
    }
    world.check_whole();
    const uint64_t sent = world.hub.store().body_bytes_sent() - before;
    CHECK(sent < kSize + static_cast<uint64_t>(killed + 1) * 8 * kConnections * DownloadJournal::kBlock);
    std::printf("measured: eight pulls at once, %d killed: %.2f times the file was sent, %llu unverified files seen\n",
                killed, static_cast<double>(sent) / kSize, static_cast<unsigned long long>(watcher.unverified()));
  }
  CHECK(watcher.unverified() == 0);
}

}  // namespace mang::test
