// A network that is cut at any byte: a download ends with the right file, or with a sentence and no file.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdio>
#include <mutex>
#include <random>

#include "hub/download.h"
#include "hub/fake_hub.h"
#include "support/golden.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mang::test {
namespace {

// A server that, by a seed, answers honestly, cuts, resets, stalls, errs or lies about lengths.
class BadNetwork {
 public:
  BadNetwork(const std::string& content, uint64_t seed, int badness)
      : content_(content), random_(seed), badness_(badness), stalls_(seed % 8 == 5 ? 1 : 0) {}

  Answer operator()(const ServedRequest& request) {
    const std::lock_guard lock(mutex_);
    Answer answer = serve_content(request, content_);
    if (static_cast<int>(random_() % 100) >= badness_) return answer;
    const size_t at = random_() % (answer.body.size() + 1);
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
        answer.cut_after = at;
        break;
      case 3:
      case 4:
      case 5:
        answer.cut_after = at;
        answer.reset = true;
        break;
      case 6:  // a proxy that makes up a shorter length
        answer.headers.push_back("Content-Length: " + std::to_string(at));
        answer.cut_after = at;
        break;
      case 7:  // less than is announced, then silence that ends
        answer.body.resize(at);
        answer.headers.push_back("Content-Length: " + std::to_string(at + 1 + random_() % 1000));
        break;
      case 8:
        answer = {.status = 503, .headers = {}, .body = "try later"};
        break;
      case 9:  // a page of a proxy in place of the bytes
        answer = {.status = 200, .headers = {}, .body = "<html>sign in</html>"};
        break;
      case 10:  // a part from the wrong place
        if (answer.status == 206) answer.headers[2] = "Content-Range: bytes 1-2/" + std::to_string(content_.size());
        break;
      default:
        if (stalls_-- > 0) answer.bytes_per_second = 200;
        break;
    }
    return answer;
  }

 private:
  const std::string& content_;
  std::mutex mutex_;
  std::mt19937_64 random_;
  int badness_;
  int stalls_;  // a second each
};

}  // namespace

TEST_CASE("cut at any byte, a download ends with the right file or with a sentence and none") {
  ::setenv("no_proxy", "127.0.0.1,localhost", 1);
  std::mt19937_64 random(22);
  std::string content(2'500'000, '\0');
  for (char& c : content) c = static_cast<char>(random());
  int right = 0, refused = 0, wrong = 0;
  const int rounds = static_cast<int>(scale(reduced(32, 8), 1000));
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const TempDir dir{TempDir::On::memory};
    const Folder folder = Folder::open(dir.path()).value();
    BadNetwork network(content, static_cast<uint64_t>(round), round % 4 == 3 ? 95 : 50);
    const bool dead = round + 1 == rounds;  // nothing comes through: one that is surely refused
    const HttpServer server([&](const ServedRequest& request) {
      Answer answer = network(request);
      if (dead) answer.cut_after = 0;
      return answer;
    });
    DownloadRequest request;
    request.url = server.url() + "/m.gguf";
    request.bytes = content.size();
    // Every third without a digest: only the length guards it, and a cut may not pass for the end.
    if (round % 3 != 0) request.sha256 = sha256_of(content);
    request.folder = &folder;
    request.name = "m.gguf";
    DownloadOptions options;
    options.first_wait_ms = 1;
    options.stall_timeout_s = 1;
    options.tries = 4;
    const auto done = download_file(request, options);
    const bool there = folder.has_file("m.gguf");
    CHECK(there == done.ok());
    if (there) {
      const bool same = read_file(dir.file("m.gguf")) == content;
      CHECK(same);
      ++(same ? right : wrong);
    } else {
      ++refused;
      CHECK(done.error().message.ends_with('.'));
      CHECK(done.error().message.find("127.0.0.1") != std::string::npos);
    }
  }
  std::printf("measured: cut network: %d downloads: %d right, %d ended with a sentence, %d wrong files\n", rounds,
              right, refused, wrong);
  CHECK(right > 0);
  CHECK(refused > 0);
}

}  // namespace mang::test
