// Downloads from a server that redirects, limits, lies, drops connections and changes its mind.
#include "hub/download.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "hub/fake_hub.h"
#include "hub/http.h"
#include "hub/http_server.h"
#include "support/temp_dir.h"

namespace mang {
namespace {

namespace fs = std::filesystem;
using test::Answer;
using test::HttpServer;
using test::serve_content;
using test::ServedRequest;
using test::sha256_of;
using test::TempDir;

std::string random_content(size_t bytes, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::string out(bytes, '\0');
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = random();
    for (size_t b = 0; b < 8 && i + b < bytes; ++b) out[i + b] = static_cast<char>(word >> (8 * b));
  }
  return out;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Fixture {
  Fixture() { ::setenv("no_proxy", "127.0.0.1,localhost", 1); }

  DownloadRequest request(const HttpServer& server, const std::string& content, bool with_digest = true) const {
    DownloadRequest out;
    out.url = server.url() + "/model.gguf";
    out.bytes = content.size();
    if (with_digest) out.sha256 = sha256_of(content);
    out.folder = &open_folder;
    out.name = "model.gguf";
    return out;
  }
  static DownloadOptions quick() {
    DownloadOptions options;
    options.first_wait_ms = 1;
    options.stall_timeout_s = 2;
    return options;
  }
  // Nothing unverified has the final name; whether something to go on with is left.
  [[nodiscard]] bool published() const { return fs::exists(folder.file("model.gguf")); }
  [[nodiscard]] bool leftovers() const {
    return fs::exists(folder.file("model.gguf.mang-part")) || fs::exists(folder.file("model.gguf.mang-journal"));
  }

  TempDir folder{TempDir::On::memory};
  Folder open_folder{Folder::open(folder.path()).value()};
};

constexpr size_t kSize = 20 * 1024 * 1024 + 12345;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "A file arrives whole, over several connections, and nothing is left beside it") {
  const std::string content = random_content(kSize);
  const HttpServer server([&](const ServedRequest& r) { return serve_content(r, content); });
  uint64_t last = 0;
  bool backwards = false;
  DownloadOptions options = quick();
  options.progress = [&](const FetchProgress& p) {
    if (p.stage == FetchStage::downloading) backwards = backwards || p.done < last, last = p.done;
    return true;
  };
  const auto done = download_file(request(server, content), options);
  REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));
  CHECK(read_file(folder.file("model.gguf")) == content);
  CHECK_FALSE(leftovers());
  CHECK_FALSE(backwards);
  CHECK(server.requests().size() >= 3);  // a probe and several ranges
}

TEST_CASE_FIXTURE(Fixture, "Files of no bytes, one byte and around a block") {
  for (const size_t size : {size_t{0}, size_t{1}, (size_t{1} << 20) - 1, size_t{1} << 20, (size_t{1} << 20) + 1}) {
    CAPTURE(size);
    const std::string content = random_content(size);
    const HttpServer server([&](const ServedRequest& r) { return serve_content(r, content); });
    REQUIRE(download_file(request(server, content), quick()).ok());
    CHECK(read_file(folder.file("model.gguf")) == content);
    fs::remove(folder.file("model.gguf"));
  }
}

TEST_CASE_FIXTURE(Fixture, "A server without ranges is read from the beginning, also after a break") {
  const std::string content = random_content(3'000'000);
  int bodies = 0;
  const HttpServer server([&](const ServedRequest&) {
    Answer answer{.headers = {}, .body = content};
    if (++bodies == 2) answer.cut_after = 1'500'000;  // the first is the probe
    return answer;
  });
  REQUIRE(download_file(request(server, content), quick()).ok());
  CHECK(read_file(folder.file("model.gguf")) == content);
}

TEST_CASE_FIXTURE(Fixture, "Connections that break are gone on with, not begun again") {
  const std::string content = random_content(kSize);
  std::atomic<int> n{0};
  const HttpServer server([&](const ServedRequest& r) {
    Answer answer = serve_content(r, content);
    if (++n % 2 == 0) answer.cut_after = 700'000;
    return answer;
  });
  REQUIRE(download_file(request(server, content), quick()).ok());
  CHECK(read_file(folder.file("model.gguf")) == content);
  CHECK(server.body_bytes_sent() < content.size() + 4'000'000);
}

TEST_CASE_FIXTURE(Fixture, "Too many requests and errors of the moment are waited out") {
  const std::string content = random_content(kSize);
  std::atomic<int> n{0};
  const HttpServer server([&](const ServedRequest& r) {
    const int statuses[] = {503, 429, 500, 200, 502, 200};
    const int status = statuses[n++ % 6];
    return status == 200 ? serve_content(r, content) : Answer{.status = status, .headers = {}, .body = "no"};
  });
  const auto done = download_file(request(server, content), quick());
  REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));
  CHECK(read_file(folder.file("model.gguf")) == content);
}

TEST_CASE_FIXTURE(Fixture, "What cannot be had is said at once, with what to do") {
  const std::string content = random_content(1000);
  for (const auto& [status, words] : std::initializer_list<std::pair<int, const char*>>{
           {401, "HF_TOKEN"}, {403, "accept it"}, {404, "no such file"}, {410, "no such file"}, {400, "HTTP 400"}}) {
    const HttpServer server(
        [&](const ServedRequest&) { return Answer{.status = status, .headers = {}, .body = "secret"}; });
    const auto done = download_file(request(server, content), quick());
    REQUIRE_FALSE(done.ok());
    CHECK_MESSAGE(done.error().message.find(words) != std::string::npos, done.error().message);
    CHECK(server.requests().size() == 1);
    CHECK_FALSE(published());
  }
}

TEST_CASE_FIXTURE(Fixture, "A server that gives up for good ends the download with a sentence") {
  const std::string content = random_content(1000);
  const HttpServer server([&](const ServedRequest&) { return Answer{.status = 503, .headers = {}, .body = ""}; });
  const auto done = download_file(request(server, content), quick());
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().message.find("503") != std::string::npos);
  CHECK(server.requests().size() == 6);
}

TEST_CASE_FIXTURE(Fixture, "Another length than its publisher names is refused before a byte is kept") {
  const std::string content = random_content(5000);
  const HttpServer server([&](const ServedRequest& r) { return serve_content(r, content); });
  DownloadRequest wanted = request(server, content);
  wanted.bytes += 1;
  const auto done = download_file(wanted, quick());
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().message.find("5000") != std::string::npos);
  CHECK_FALSE(published());
}

TEST_CASE_FIXTURE(Fixture, "A server that sends more or less than it said") {
  const std::string content = random_content(kSize);
  SUBCASE("more") {
    const HttpServer server([&](const ServedRequest& r) {
      Answer answer = serve_content(r, content);
      if (r.range && r.range->second != 0) answer.body += "and more";
      return answer;
    });
    const auto done = download_file(request(server, content), quick());
    REQUIRE_FALSE(done.ok());
    CHECK_FALSE(published());
  }
  SUBCASE("less, with a length that fits") {
    const HttpServer server([&](const ServedRequest& r) {
      Answer answer = serve_content(r, content);
      if (answer.body.size() > 1) answer.body.resize(answer.body.size() - 1);
      return answer;
    });
    // Each try brings the rest nearer: the file arrives all the same, byte for byte.
    REQUIRE(download_file(request(server, content), quick()).ok());
    CHECK(read_file(folder.file("model.gguf")) == content);
  }
  SUBCASE("another part than was asked for") {
    const HttpServer server([&](const ServedRequest& r) {
      ServedRequest other = r;
      if (r.range && r.range->second != 0) other.range = {r.range->first + 1, r.range->second};
      return serve_content(other, content);
    });
    const auto done = download_file(request(server, content), quick());
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().message.find("part that was asked for") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "Bytes of the right number and the wrong kind never get the name") {
  const std::string content = random_content(kSize);
  std::string other = content;
  other[content.size() / 2] ^= 1;
  const HttpServer server([&](const ServedRequest& r) { return serve_content(r, other); });
  const auto done = download_file(request(server, content), quick());
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().message.find("digest") != std::string::npos);
  CHECK_FALSE(published());
  CHECK_FALSE(leftovers());
}

TEST_CASE_FIXTURE(Fixture, "A file that changes midway is noticed, with and without a digest") {
  const std::string content = random_content(kSize), newer = random_content(kSize, 2);
  for (const bool with_digest : {true, false}) {
    CAPTURE(with_digest);
    std::atomic<int> n{0};
    const HttpServer server([&](const ServedRequest& r) {
      return ++n <= 3 ? serve_content(r, content, "\"old\"") : serve_content(r, newer, "\"new\"");
    });
    DownloadOptions options = quick();
    options.connections = 1;
    const auto done = download_file(request(server, content, with_digest), options);
    REQUIRE_FALSE(done.ok());
    CHECK_MESSAGE(done.error().message.find("changed") != std::string::npos, done.error().message);
    CHECK_FALSE(published());
    CHECK_FALSE(leftovers());
  }
}

TEST_CASE_FIXTURE(Fixture, "Stopping keeps what is there, and the next call goes on from it") {
  const std::string content = random_content(kSize);
  const HttpServer server([&](const ServedRequest& r) {
    Answer answer = serve_content(r, content);
    answer.bytes_per_second = 20'000'000;
    return answer;
  });
  DownloadOptions options = quick();
  options.progress = [](const FetchProgress& p) { return p.done < 8'000'000; };
  REQUIRE_FALSE(download_file(request(server, content), options).ok());
  CHECK_FALSE(published());
  CHECK(leftovers());
  const uint64_t before = server.body_bytes_sent();
  REQUIRE(download_file(request(server, content), quick()).ok());
  CHECK(read_file(folder.file("model.gguf")) == content);
  // At most the block under way of each connection is fetched twice.
  CHECK(server.body_bytes_sent() - before < content.size() - 8'000'000 + 5 * (1 << 20));
}

TEST_CASE_FIXTURE(Fixture,
                  "Killed at any moment, the next call goes on: at most a block of each connection is fetched twice") {
  const std::string content = random_content(kSize);
  const HttpServer server([&](const ServedRequest& r) {
    Answer answer = serve_content(r, content);
    answer.bytes_per_second = 60'000'000;
    return answer;
  });
  std::mt19937 random(7);
  int kills = 0;
  for (int attempt = 0; attempt < 30 && !published(); ++attempt) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(download_file(request(server, content), quick()).ok() ? 0 : 1);
    ::usleep(20'000 + random() % 60'000);
    if (::kill(child, SIGKILL) == 0) ++kills;
    ::waitpid(child, nullptr, 0);
    if (fs::exists(folder.file("model.gguf"))) CHECK(read_file(folder.file("model.gguf")) == content);
  }
  REQUIRE(download_file(request(server, content), quick()).ok());
  CHECK(read_file(folder.file("model.gguf")) == content);
  // What the server sent counts what the network still held when the client died: a block and as much again.
  CHECK(server.body_bytes_sent() < content.size() + static_cast<uint64_t>(kills + 1) * 4 * (2 << 20));
}

TEST_CASE_FIXTURE(Fixture, "A torn or foreign journal costs a download, never a wrong file") {
  const std::string content = random_content(kSize);
  const HttpServer server([&](const ServedRequest& r) { return serve_content(r, content); });
  std::mt19937 random(3);
  for (int i = 0; i < 20; ++i) {
    DownloadOptions options = quick();
    options.progress = [](const FetchProgress& p) { return p.done < 4'000'000; };
    (void)download_file(request(server, content), options);
    std::string journal = read_file(folder.file("model.gguf.mang-journal"));
    if (i % 3 == 0) journal.resize(random() % (journal.size() + 1));
    for (int k = 0; i % 3 == 1 && k < 5 && !journal.empty(); ++k)
      journal[random() % journal.size()] ^= static_cast<char>(random());
    if (i % 3 == 2) journal = random_content(random() % 4000, i);
    folder.write("model.gguf.mang-journal", journal);
    const auto done = download_file(request(server, content), quick());
    REQUIRE_MESSAGE(done.ok(), (done.ok() ? "" : done.error().message));  // blocks it claimed wrongly are fetched again
    CHECK(read_file(folder.file("model.gguf")) == content);
    fs::remove(folder.file("model.gguf"));
  }
}

TEST_CASE_FIXTURE(Fixture, "A token goes to its own host and to no other, however often one is redirected") {
  const std::string content = random_content(3'000'000);
  const HttpServer store([&](const ServedRequest& r) { return serve_content(r, content); });
  const HttpServer hub([&](const ServedRequest& r) {
    const std::string to = r.path == "/model.gguf" ? "/again" : store.url("localhost") + "/blob";
    return Answer{.status = 302, .headers = {"Location: " + to}, .body = "moved"};
  });
  DownloadRequest wanted = request(hub, content);
  wanted.bearer_token = "hf_secret";
  REQUIRE(download_file(wanted, quick()).ok());
  for (const auto& r : hub.requests()) CHECK(r.headers.at("authorization") == "Bearer hf_secret");
  for (const auto& r : store.requests()) CHECK(r.headers.count("authorization") == 0);
  CHECK(read_file(folder.file("model.gguf")) == content);
}

TEST_CASE_FIXTURE(Fixture, "Redirects without end, to nowhere, and to other kinds of address are refused") {
  const std::string content = "x";
  for (const char* target : {"/model.gguf", "", "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x"}) {
    CAPTURE(target);
    const HttpServer server([&](const ServedRequest&) {
      return Answer{.status = 302, .headers = {std::string("Location: ") + target}, .body = ""};
    });
    CHECK_FALSE(download_file(request(server, content), quick()).ok());
    CHECK(server.requests().size() <= 11);
    CHECK_FALSE(published());
  }
}

TEST_CASE_FIXTURE(Fixture, "A server that stops in the middle is left after a while and asked again") {
  const std::string content = random_content(2'000'000);
  std::atomic<int> n{0};
  const HttpServer server([&](const ServedRequest& r) {
    Answer answer = serve_content(r, content);
    if (++n == 2) answer.bytes_per_second = 300;
    return answer;
  });
  REQUIRE(download_file(request(server, content), quick()).ok());
  CHECK(read_file(folder.file("model.gguf")) == content);
}

TEST_CASE_FIXTURE(Fixture, "A host that is not there") {
  DownloadRequest wanted;
  wanted.url = "http://127.0.0.1:9/model.gguf";
  wanted.folder = &open_folder;
  wanted.name = "model.gguf";
  const auto done = download_file(wanted, quick());
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().message.find("127.0.0.1") != std::string::npos);
}

TEST_CASE("Same origin is scheme, host and port") {
  CHECK(same_origin("https://a.example/x", "https://A.example:443/y"));
  CHECK_FALSE(same_origin("https://a.example/x", "http://a.example/x"));
  CHECK_FALSE(same_origin("https://a.example/x", "https://b.example/x"));
  CHECK_FALSE(same_origin("https://a.example/x", "https://a.example:8443/x"));
  CHECK_FALSE(same_origin("https://a.example/x", "https://a.example.evil/x"));
  CHECK_FALSE(same_origin("not an address", "not an address"));
}

}  // namespace mang
