// What is remembered of files: by reading them, and by having verified them while they were fetched.
#include "hub/digest_cache.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/json.h"
#include "base/open_file.h"
#include "hub/fake_hub.h"
#include "hub/hf_cache.h"
#include "hub/url_models.h"
#include "support/temp_dir.h"

namespace mang {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::TempDir;

struct Fixture {
  TempDir folder{TempDir::On::memory};
  DigestCache digests{folder.file("cache/digests.json")};
  std::string large = std::string(2'000'000, 'q');

  DigestCache::Digested of(const std::string& path) const {
    auto digested = digests.digest(path);
    REQUIRE_MESSAGE(digested.ok(), (digested.ok() ? "" : digested.error().message));
    return *digested;
  }
  void remember(const std::string& path, const std::string& sha256) const {
    const OpenFile file(::open(path.c_str(), O_RDONLY));
    REQUIRE(file.fd >= 0);
    digests.remember_verified(file.fd, path, sha256);
  }
};

TEST_CASE_FIXTURE(Fixture, "a file that was verified is not read again, until anything about it changes") {
  const std::string path = folder.write("model.gguf", large);
  const std::string sha256 = test::sha256_of(large);
  remember(path, sha256);
  CHECK(of(path).remembered);
  CHECK(of(path).sha256 == sha256);
  CHECK(of(path).bytes == large.size());
  // By another way to the same place; and where it was last used is where it is found.
  const std::string link = folder.file("link.gguf");
  fs::create_symlink(path, link);
  CHECK(of(link).remembered);
  CHECK(digests.paths_of(sha256) == std::vector<std::string>{link});

  SUBCASE("its content, with the time of before") {
    struct stat before;
    REQUIRE(::stat(path.c_str(), &before) == 0);
    std::string other = large;
    other[1000] = 'x';
    folder.write("model.gguf", other);
    const struct timespec times[] = {before.st_atim, before.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    CHECK(of(path).sha256 == test::sha256_of(other));
  }
  SUBCASE("another file in its place") {
    const std::string other(large.size(), 'r');
    fs::rename(folder.write("other.gguf", other), path);
    CHECK(of(path).sha256 == test::sha256_of(other));
  }
  SUBCASE("its name") {
    const std::string moved = folder.file("moved.gguf");
    fs::rename(path, moved);
    CHECK_FALSE(of(moved).remembered);
    CHECK(of(moved).sha256 == sha256);
  }
}

TEST_CASE_FIXTURE(Fixture, "what is read in a moment is not remembered, nor anything without a place for it") {
  remember(folder.write("small", "abc"), test::sha256_of("abc"));
  CHECK_FALSE(fs::exists(folder.file("cache/digests.json")));
  const std::string path = folder.write("large", large);
  const OpenFile file(::open(path.c_str(), O_RDONLY));
  const DigestCache nowhere("");
  nowhere.remember_verified(file.fd, path, test::sha256_of(large));
  CHECK_FALSE(nowhere.digest(path).value().remembered);
}

TEST_CASE_FIXTURE(Fixture, "what is remembered is believed; whatever else is in the cache counts as nothing") {
  const std::string path = folder.write("model.gguf", large);
  const std::string wrong(64, '0');
  remember(path, wrong);
  REQUIRE(of(path).sha256 == wrong);  // so that the file was not read
  for (const std::string& text : {std::string("[1, {\"stamp\": 3}]"), std::string("{"), std::string(5'000'000, '[')}) {
    folder.write("cache/digests.json", text);
    CHECK(of(path).sha256 == test::sha256_of(large));
  }
}

TEST_CASE_FIXTURE(Fixture, "what is fetched with a digest is known from then on") {
  ::setenv("no_proxy", "127.0.0.1,localhost", 1);
  const std::map<std::string, std::string> files = {{"config.json", "{\"model_type\": \"llama\"}"},
                                                    {"model-Q8_0.gguf", large}};
  FakeHub hub(files, {"model-Q8_0.gguf"});
  const HfEndpoint endpoint{.url = hub.url(), .token = "hf_secret", .connect_timeout_ms = 2000};
  const HfCache cache(folder.file("hf"), digests);
  const auto repo = list_hf_repo(endpoint, "org/model", "main", {});
  REQUIRE(repo.ok());
  REQUIRE(cache.fetch(endpoint, *repo, repo->files, {}).ok());
  const std::string path = cache.find_file("org/model", FakeHub::commit(), "model-Q8_0.gguf").value();
  CHECK(digests.paths_of(test::sha256_of(large)).empty());  // not under the name of its content
  CHECK(of(path).remembered);
  CHECK(of(path).sha256 == test::sha256_of(large));
  CHECK(digests.paths_of(test::sha256_of(large)) == std::vector<std::string>{path});

  const UrlModels by_address(folder.file("by-address"), digests);
  const std::string url = hub.store().url() + "/model-Q8_0.gguf";
  const std::string named = by_address.fetch(url + "?a", test::sha256_of(large), {}).value();
  CHECK(of(named).remembered);
  CHECK(of(named).sha256 == test::sha256_of(large));
  const std::string unnamed = by_address.fetch(url + "?b", "", {}).value();  // only its length was checked
  CHECK_FALSE(of(unnamed).remembered);
}

}  // namespace
}  // namespace mang
