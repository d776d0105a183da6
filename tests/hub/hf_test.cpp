// Models from a hub: what is listed, which files are meant, and where they are kept.
#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/fake_hub.h"
#include "hub/hf_cache.h"
#include "hub/hf_repo.h"
#include "hub/inventory.h"
#include "hub/url_models.h"
#include "support/temp_dir.h"

namespace mang {
namespace {

namespace fs = std::filesystem;
using test::FakeHub;
using test::TempDir;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

HfRepo repo_of(std::initializer_list<const char*> paths) {
  HfRepo repo{.id = "org/model", .revision = "main", .commit = FakeHub::commit(), .gated = false, .files = {}};
  for (const char* path : paths)
    repo.files.push_back({.path = path, .bytes = 1, .sha256 = std::string(64, 'a'), .git_sha1 = ""});
  return repo;
}

std::string chosen(const HfRepo& repo, const std::string& wanted) {
  const auto files = select_hf_files(repo, wanted);
  if (!files.ok()) return "error: " + files.error().message;
  std::string out;
  for (const HfFile& file : *files) out += (out.empty() ? "" : " ") + file.path;
  return out;
}

struct Fixture {
  Fixture() { ::setenv("no_proxy", "127.0.0.1,localhost", 1); }
  HfEndpoint endpoint() const { return {.url = hub.url(), .token = "hf_secret", .connect_timeout_ms = 2000}; }

  std::map<std::string, std::string> files = {{"config.json", "{\"model_type\": \"llama\"}"},
                                              {"tokenizer.json", std::string(70'000, 't')},
                                              {"model-Q4_K_M.gguf", std::string(3'000'000, 'q')},
                                              {"model-Q8_0.gguf", std::string(5'000'000, 'r')},
                                              {"sub dir/notes é.json", "{}"}};
  FakeHub hub{files, {"model-Q4_K_M.gguf", "model-Q8_0.gguf", "tokenizer.json"}};
  TempDir folder{TempDir::On::memory};
  HfCache cache{folder.path()};
};

}  // namespace

TEST_CASE("Which files a user means") {
  const HfRepo gguf =
      repo_of({"README.md", "model-Q8_0.gguf", "model-Q4_K_M.gguf", "model-Q2_K.gguf", "mmproj-model-f16.gguf",
               "BF16/model-BF16-00001-of-00002.gguf", "BF16/model-BF16-00002-of-00002.gguf"});
  CHECK(chosen(gguf, "") == "model-Q4_K_M.gguf");
  CHECK(chosen(gguf, "q8_0") == "model-Q8_0.gguf");
  CHECK(chosen(gguf, "Q2_K") == "model-Q2_K.gguf");
  CHECK(chosen(gguf, "model-Q2_K.gguf") == "model-Q2_K.gguf");
  CHECK(chosen(gguf, "bf16") == "BF16/model-BF16-00001-of-00002.gguf BF16/model-BF16-00002-of-00002.gguf");
  CHECK(chosen(gguf, "model-BF16-00002-of-00002.gguf") ==
        "BF16/model-BF16-00001-of-00002.gguf BF16/model-BF16-00002-of-00002.gguf");
  CHECK(chosen(gguf, "Q4") ==
        "error: hf:org/model has no 'Q4'. It has BF16/model-BF16.gguf, model-Q2_K.gguf, model-Q4_K_M.gguf, "
        "model-Q8_0.gguf.");
  CHECK(chosen(gguf, "../../etc/passwd").starts_with("error:"));

  const HfRepo folder =
      repo_of({"README.md", "model.safetensors.index.json", "model-00001-of-00002.safetensors", "config.json",
               "model-00002-of-00002.safetensors", "original/consolidated.00.pth", "consolidated.safetensors",
               "tokenizer.json", "onnx/model.onnx", "pytorch_model.bin", "chat_template.jinja", "params.json"});
  CHECK(chosen(folder, "") ==
        "config.json model.safetensors.index.json model-00001-of-00002.safetensors "
        "model-00002-of-00002.safetensors tokenizer.json chat_template.jinja");
  CHECK(chosen(folder, "Q4_K_M").find("no GGUF files") != std::string::npos);
  CHECK(chosen(repo_of({"pytorch_model.bin", "config.json"}), "").find("neither") != std::string::npos);
  CHECK(chosen(repo_of({"a.gguf"}), "") == "a.gguf");
}

TEST_CASE("Names that the hub would not have") {
  CHECK(is_hf_id("org/model-1.5_B"));
  for (const char* bad :
       {"", "model", "/model", "org/", "a/b/c", "org/..", "../model", "org/mo del", "org/m\nx", "a--b/c", ".a/b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_hf_id(bad));
  }
}

TEST_CASE("A list from outside is checked: 300 names of files that would leave the folder") {
  int refused = 0;
  const std::string stems[] = {"..",  "../x", "a/../../x", "/etc/passwd", "a//b",      "",      ".",      "a/.",
                               "./a", "a/..", "\\\\x",     "a\\\\b",      "a\\u0000b", "a\\nb", "\\u007f"};
  for (int i = 0; i < 300; ++i) {
    std::string path;
    for (int k = 0; k < i / 15; ++k) path += "d/";
    path += stems[i % 15];
    if (i % 15 == 3) path = stems[3] + path;
    const auto repo = parse_hf_repo(
        fmt::format("{{\"sha\":\"{}\",\"siblings\":[{{\"rfilename\":\"{}\",\"size\":1}}]}}", FakeHub::commit(), path),
        "org/model", "main");
    refused += repo.ok() ? 0 : 1;
    CHECK_MESSAGE(!repo.ok(), path);
  }
  CHECK(refused == 300);
  for (const char* text : {"", "[]", "{}", "null", "{\"sha\":1}", "{\"sha\":\"x\",\"siblings\":[]}", "<html>"}) {
    CHECK_FALSE(parse_hf_repo(text, "org/model", "main").ok());
  }
}

TEST_CASE_FIXTURE(Fixture, "A model from the hub lands where Hugging Face's tools look for it") {
  const auto repo = list_hf_repo(endpoint(), "org/model", "main", {});
  REQUIRE_MESSAGE(repo.ok(), (repo.ok() ? "" : repo.error().message));
  CHECK(repo->commit == FakeHub::commit());
  uint64_t last = 0;
  bool backwards = false;
  const auto snapshot = cache.fetch(endpoint(), *repo, repo->files, [&](const FetchProgress& p) {
    if (p.stage == FetchStage::downloading) backwards = backwards || p.done < last, last = p.done;
    return true;
  });
  REQUIRE_MESSAGE(snapshot.ok(), (snapshot.ok() ? "" : snapshot.error().message));
  CHECK_FALSE(backwards);
  for (const auto& [path, content] : files) CHECK(read_file(*snapshot + "/" + path) == content);
  const std::string base = folder.path() + "/models--org--model";
  CHECK(*snapshot == base + "/snapshots/" + FakeHub::commit());
  CHECK(read_file(base + "/refs/main") == FakeHub::commit());
  CHECK(fs::read_symlink(*snapshot + "/config.json") == "../../blobs/" + test::git_sha1_of(files["config.json"]));
  CHECK(fs::read_symlink(*snapshot + "/sub dir/notes é.json") == "../../../blobs/" + test::git_sha1_of("{}"));
  CHECK(fs::exists(base + "/blobs/" + test::sha256_of(files["model-Q8_0.gguf"])));
  CHECK(cache.find_commit("org/model", "main") == FakeHub::commit());
  CHECK(cache.find_file("org/model", FakeHub::commit(), "model-Q8_0.gguf").has_value());
  REQUIRE(cache.snapshots().size() == 1);
  CHECK(cache.snapshots()[0].id == "org/model");
  // The token went to the hub and not to the store it redirects to.
  for (const auto& r : hub.hub().requests()) CHECK(r.headers.at("authorization") == "Bearer hf_secret");
  for (const auto& r : hub.store().requests()) CHECK(r.headers.count("authorization") == 0);

  const size_t asked = hub.hub().requests().size();
  REQUIRE(cache.fetch(endpoint(), *repo, repo->files, {}).ok());
  CHECK(hub.hub().requests().size() == asked);  // all of it is here
  CHECK(cache.remove("org/model").value());
  CHECK_FALSE(fs::exists(base));
  CHECK_FALSE(cache.remove("org/model").value());
}

TEST_CASE_FIXTURE(Fixture, "What the hub says no with becomes a sentence") {
  for (const auto& [status, words] : std::initializer_list<std::pair<int, const char*>>{
           {401, "HF_TOKEN"}, {403, "consent"}, {404, "no such model"}, {429, "too many"}, {500, "HTTP 500"}}) {
    hub.list_status = status;
    const auto repo = list_hf_repo(endpoint(), "org/model", "main", {});
    REQUIRE_FALSE(repo.ok());
    CHECK_MESSAGE(repo.error().message.find(words) != std::string::npos, repo.error().message);
  }
}

TEST_CASE_FIXTURE(Fixture, "One unsafe name in the list and nothing is fetched") {
  hub.extra_files = R"({"rfilename":"../../../.bashrc","size":3,"blobId":"0123456789abcdef0123456789abcdef01234567"})";
  const auto repo = list_hf_repo(endpoint(), "org/model", "main", {});
  REQUIRE_FALSE(repo.ok());
  CHECK(repo.error().message.find("unsafe") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "Eight pulls of one model at once fetch it once") {
  const auto repo = list_hf_repo(endpoint(), "org/model", "main", {});
  REQUIRE(repo.ok());
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(cache.fetch(endpoint(), *repo, repo->files, {}).ok() ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  uint64_t all = 0;
  for (const auto& [path, content] : files) all += content.size();
  CHECK(hub.store().body_bytes_sent() + hub.hub().body_bytes_sent() < all + 100'000);
}

TEST_CASE_FIXTURE(Fixture,
                  "Some of a model's files are removed without the others, and contents that others use stay") {
  const auto repo = list_hf_repo(endpoint(), "org/model", "main", {});
  REQUIRE(repo.ok());
  REQUIRE(cache.fetch(endpoint(), *repo, repo->files, {}).ok());
  const std::string base = folder.path() + "/models--org--model";
  const std::string q8 = base + "/blobs/" + test::sha256_of(files["model-Q8_0.gguf"]);
  const std::string other = base + "/snapshots/" + std::string(40, 'b');
  fs::create_directories(other);
  fs::create_symlink("../../blobs/" + test::sha256_of(files["model-Q8_0.gguf"]), other + "/kept.gguf");
  CHECK(cache.remove_files("org/model", FakeHub::commit(), {"model-Q8_0.gguf"}).value());
  CHECK(fs::exists(q8));  // the other snapshot's
  CHECK_FALSE(cache.find_file("org/model", FakeHub::commit(), "model-Q8_0.gguf").has_value());
  fs::remove_all(other);
  CHECK_FALSE(cache.remove_files("org/model", FakeHub::commit(), {"model-Q8_0.gguf"}).value());
  CHECK(cache.remove_files("org/model", FakeHub::commit(), {"model-Q4_K_M.gguf"}).value());
  CHECK_FALSE(fs::exists(base));  // that was the last of its weights
}

TEST_CASE_FIXTURE(Fixture, "A ref or a link that leads elsewhere is not followed out of the cache's books") {
  const std::string base = folder.path() + "/models--org--model";
  fs::create_directories(base + "/refs");
  fs::create_directories(base + "/snapshots/0123abcd");
  folder.write("models--org--model/refs/main", "../../../etc");
  CHECK_FALSE(cache.find_commit("org/model", "main").has_value());
  folder.write("models--org--model/refs/main", "0123abcd");
  CHECK_FALSE(cache.find_commit("org/model", "main").has_value());
  CHECK_FALSE(cache.find_commit("org/model", "../../x").has_value());
  CHECK(cache.snapshots().empty());
}

TEST_CASE_FIXTURE(Fixture, "Everything on this machine is listed, and what downloads left behind") {
  const auto repo = list_hf_repo(endpoint(), "org/model", "main", {});
  REQUIRE(repo.ok());
  REQUIRE(cache.fetch(endpoint(), *repo, repo->files, {}).ok());
  const std::string by_address = folder.file("by-address");
  const UrlModels urls(by_address);
  const std::string url = hub.store().url() + "/model-Q8_0.gguf?download=true";
  const auto path = urls.fetch(url, test::sha256_of(files["model-Q8_0.gguf"]), {});
  REQUIRE_MESSAGE(path.ok(), (path.ok() ? "" : path.error().message));
  CHECK(urls.find(url) == *path);
  CHECK_FALSE(urls.find(url + "x").has_value());
  const auto models = list_models(Catalog::built_in(), Store(folder.file("store")), cache, by_address);
  std::string names;
  for (const StoredModel& model : models) names += model.name + "\n";
  CHECK(models.size() == 3);
  CHECK_MESSAGE(names.find("hf:org/model:model-Q4_K_M.gguf\n") != std::string::npos, names);
  CHECK_MESSAGE(names.find("hf:org/model:model-Q8_0.gguf\n") != std::string::npos, names);
  CHECK_MESSAGE(names.find(url) != std::string::npos, names);

  CHECK(find_leftovers(Store(folder.file("store")), cache, by_address).items.empty());
  folder.write("models--org--model/blobs/abc.mang-part", "half");
  folder.write("models--org--model/blobs/abc.mang-journal", "half");
  CHECK(find_leftovers(Store(folder.file("store")), cache, by_address).items.size() == 2);
}

TEST_CASE("Addresses of GGUF files, whole and in parts") {
  CHECK(file_name_of("https://x.example/a/model.gguf?download=true").value() == "model.gguf");
  for (const char* bad : {"https://x.example/", "https://x.example/model.zip", "https://x.example/..gguf",
                          "https://x.example/a%2f.gguf", "https://x.example/.gguf"}) {
    CAPTURE(bad);
    CHECK_FALSE(file_name_of(bad).ok());
  }
  const auto parts = addresses_of_parts("https://x.example/m-00002-of-00003.gguf?a=b");
  REQUIRE(parts.ok());
  REQUIRE(parts->size() == 3);
  CHECK(parts->front() == "https://x.example/m-00001-of-00003.gguf?a=b");
  CHECK_FALSE(addresses_of_parts("https://x.example/m-00004-of-00003.gguf").ok());
  CHECK_FALSE(addresses_of_parts("https://x.example/m-00001-of-99999.gguf").ok());
  CHECK(addresses_of_parts("https://x.example/m.gguf")->size() == 1);
}

}  // namespace mang
