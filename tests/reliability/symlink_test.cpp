// A cache folder that others may write to: names that would lead out of it, links that lead out of it, and folders that
// are swapped for such links while models are fetched, listed and removed. Nothing outside is written, removed or taken
// in.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <random>
#include <thread>

#include "format/safetensors_header.h"
#include "hub/hf_cache.h"
#include "hub/inventory.h"
#include "hub/url_models.h"
#include "reliability/cache_checks.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

const std::string kCanary = "what lies outside and is nobody's business here";
const std::string kRepo = "hf/models--org--model";

// All files and links below a folder with what is in them, to see whether anything changed.
std::map<std::string, std::string> picture_of(const std::string& root) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string name = entry.path().lexically_relative(root).string();
    if (entry.is_symlink())
      out[name] = "link " + fs::read_symlink(entry.path()).string();
    else
      out[name] = entry.is_directory() ? "folder" : read_file(entry.path().string());
  }
  return out;
}

// What differs between two pictures.
std::string changes(const std::map<std::string, std::string>& before, const std::map<std::string, std::string>& now) {
  std::string out;
  for (const auto& [name, content] : before) {
    const auto found = now.find(name);
    if (found == now.end())
      out += "\ngone: " + name;
    else if (found->second != content)
      out += "\nchanged: " + name;
  }
  for (const auto& [name, content] : now) out += before.count(name) == 0 ? "\nnew: " + name : "";
  return out;
}

// A hub, the folders models are kept in, and the same folders once more outside of them.
struct World {
  World() {
    ::setenv("no_proxy", "127.0.0.1,localhost", 1);
    const std::string by_address = "models/by-address/" + address_folder();
    for (const std::string& name : files_of(by_address)) {
      for (const std::string& place : {outside.file(name)}) {
        fs::create_directories(fs::path(place).parent_path());
        outside.write(name, kCanary);
      }
    }
    outside_before = picture_of(outside.path());
    // What may be swapped: every folder and file that is worked with, but for the two that the user named.
    for (const auto& [name, what] : outside_before) {
      if (name.find('/') != std::string::npos) targets.push_back(name);
    }
  }

  // The name of the folder of the address, as it is made by a fetch.
  [[nodiscard]] std::string address_folder() const {
    const TempDir once{TempDir::On::memory};
    REQUIRE(UrlModels(once.file("by-address")).fetch(url(), "", {}).ok());
    return fs::directory_iterator(once.file("by-address"))->path().filename().string();
  }
  [[nodiscard]] std::string url() const { return hub.store().url() + "/model-Q8_0.gguf"; }
  [[nodiscard]] std::vector<std::string> files_of(const std::string& by_address) const {
    const std::string q8 = sha256_of(files.at("model-Q8_0.gguf")), config = git_sha1_of(files.at("config.json"));
    const std::string snapshot = kRepo + "/snapshots/" + FakeHub::commit();
    std::vector<std::string> out = {kRepo + "/refs/main",          snapshot + "/config.json",
                                    snapshot + "/model-Q8_0.gguf", snapshot + "/below/notes.json",
                                    by_address + "/address",       by_address + "/lock",
                                    "models/lost.partial/wheel"};
    for (const std::string& etag : {q8, config}) {
      for (const char* end : {"", ".mang-part", ".mang-journal"}) out.push_back(kRepo + "/blobs/" + etag + end);
      out.push_back("hf/.locks/models--org--model/" + etag + ".lock");
    }
    for (const char* end : {"", ".mang-part", ".mang-journal"}) out.push_back(by_address + "/model-Q8_0.gguf" + end);
    return out;
  }

  // One thing a user does; true: it worked.
  bool step(int kind) const {
    const HfEndpoint endpoint{.url = hub.url(), .token = "", .connect_timeout_ms = 2000};
    switch (kind) {
      case 0:
      case 1:
        return cache.fetch(endpoint, repo, repo.files, {}).ok();
      case 2:
        return urls.fetch(url(), "", {}).ok();
      case 3: {
        bool ok = true;
        for (const auto& item : find_leftovers(store, cache, by_address).items) ok = remove_leftover(item).ok() && ok;
        return ok;
      }
      case 4:
        return cache.remove_files("org/model", FakeHub::commit(), {"model-Q8_0.gguf", "below/notes.json"}).ok();
      case 5:
        return cache.remove("org/model").ok();
      default:
        return !list_models(Catalog::built_in(), store, cache, by_address).empty();
    }
  }

  std::map<std::string, std::string> files = {
      {"config.json", "{}"}, {"below/notes.json", "{\"a\": 1}"}, {"model-Q8_0.gguf", std::string(40'000, 'r')}};
  FakeHub hub{files, {"model-Q8_0.gguf"}};
  TempDir inside{TempDir::On::memory}, outside{TempDir::On::memory}, aside{TempDir::On::memory};
  std::map<std::string, std::string> outside_before;
  std::vector<std::string> targets;
  Store store{inside.file("models")};
  HfCache cache{inside.file("hf")};
  std::string by_address = inside.file("models/by-address");
  UrlModels urls{by_address};
  HfRepo repo =
      list_hf_repo({.url = hub.url(), .token = "", .connect_timeout_ms = 2000}, "org/model", "main", {}).value();
};

// Swaps what is inside for links to its counterpart outside, and back.
class Adversary {
 public:
  explicit Adversary(const World& world) : world_(world), thread_([this] { work(); }) {}
  ~Adversary() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] uint64_t swaps() const { return swaps_; }

 private:
  void work() {
    std::mt19937 random(20);
    while (!stop_) {
      const std::string& name = world_.targets[random() % world_.targets.size()];
      const std::string here = world_.inside.file(name), kept = world_.aside.file("kept");
      std::error_code error;
      const bool had = ::rename(here.c_str(), kept.c_str()) == 0;
      if (::symlink(world_.outside.file(name).c_str(), here.c_str()) == 0) {
        ++swaps_;
        ::usleep(random() % 400);
        if (fs::is_symlink(here, error)) ::unlink(here.c_str());
      }
      if (had && ::rename(kept.c_str(), here.c_str()) != 0) fs::remove_all(kept, error);
      ::usleep(random() % 300);
    }
  }

  const World& world_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> swaps_{0};
  std::thread thread_;
};

// Whether the file at such an address would be kept under a name that leads somewhere.
bool leads_out(const std::string& name) {
  const auto file = file_name_of("https://hub.example/" + name + ".gguf");
  return file.ok() && (file->find('/') != std::string::npos || file->front() == '.');
}

}  // namespace

TEST_CASE("folders and files swapped for links while models are fetched, listed and removed: no escape") {
  const World world;
  const int races = static_cast<int>(scale(reduced(400, 100), 10'000));
  int worked = 0;
  uint64_t swaps = 0;
  {
    Adversary adversary(world);
    for (int i = 0; i < races; ++i) {
      worked += world.step(i % 7) ? 1 : 0;
      if (i % 50 == 0) REQUIRE(changes(world.outside_before, picture_of(world.outside.path())) == "");
    }
    adversary.stop();
    swaps = adversary.swaps();
  }
  CHECK(changes(world.outside_before, picture_of(world.outside.path())) == "");
  // Nothing from outside came in, and with the adversary gone everything works again.
  for (const auto& [name, content] : picture_of(world.inside.path())) {
    CHECK_MESSAGE(content.find(kCanary) == std::string::npos, name);
  }
  CHECK(world.step(3));
  CHECK(world.step(0));
  CHECK(world.step(2));
  for (const std::string& path : wrong_in_hf_cache(world.inside.file("hf"), false)) FAIL_CHECK(path);
  CHECK(changes(world.outside_before, picture_of(world.outside.path())) == "");
  CHECK(swaps > static_cast<uint64_t>(races) / 10);
  CHECK(worked > races / 10);
  std::printf("measured: link races: %d commands, %d of them worked, %llu swaps: 0 escapes\n", races, worked,
              static_cast<unsigned long long>(swaps));
}

TEST_CASE("links that lead out of a model's folder are none of its files") {
  const World world;
  REQUIRE(world.step(0));
  const std::string snapshot = world.inside.file(kRepo + "/snapshots/" + FakeHub::commit());
  world.outside.write("secret.gguf", kCanary);
  fs::create_symlink(world.outside.file("secret.gguf"), snapshot + "/secret.gguf");
  fs::create_symlink("../../../../../../../../../../.." + world.outside.file("secret.gguf"), snapshot + "/other.gguf");
  fs::create_directory_symlink(world.outside.path(), snapshot + "/folder");
  fs::create_directory_symlink(snapshot, world.inside.file(kRepo + "/snapshots/") + std::string(40, 'a'));
  CHECK_FALSE(world.cache.find_file("org/model", FakeHub::commit(), "secret.gguf"));
  CHECK_FALSE(world.cache.find_file("org/model", FakeHub::commit(), "other.gguf"));
  CHECK_FALSE(world.cache.find_file("org/model", FakeHub::commit(), "folder/secret.gguf"));
  CHECK(world.cache.find_file("org/model", FakeHub::commit(), "model-Q8_0.gguf"));
  CHECK(world.cache.local_repo("org/model", "main", FakeHub::commit()).files.size() == 3);
  CHECK(world.cache.snapshots().size() == 1);
  CHECK_FALSE(world.cache.find_commit("org/model", std::string(40, 'a')));
  CHECK(world.cache.remove("org/model").value());
  CHECK(read_file(world.outside.file("secret.gguf")) == kCanary);
}

TEST_CASE("300 names that would lead out of a folder, at every place a name comes from outside") {
  const World world;
  REQUIRE(world.step(0));
  constexpr std::array kStems = {"..",     "../x",        "a/../../x",    "/etc/passwd", "../../refs/main",
                                 "..\\x",  "a/./../../x", "....//x/..",   "x/..",        "%2e%2e/../x",
                                 "~/../x", "../\xC3\xA9", "file:///../x", "a//../..",    "../.locks/x"};
  int refused = 0;
  for (size_t i = 0; i < 300; ++i) {
    std::string name;
    for (size_t k = 0; k < i / kStems.size() % 10; ++k) name += "d/";
    name = i >= 150 ? kStems[i % kStems.size()] + std::string("/") + name : name + kStems[i % kStems.size()];
    if (i % kStems.size() == 3) name = "/etc/" + name;
    CAPTURE(name);
    const std::string index =
        "{\"weight_map\": {\"w\": \"" + (name.find('\\') == std::string::npos ? name : "..\\\\x") + ".safetensors\"}}";
    const bool all = !is_hf_id("org/" + name) && !is_hf_id(name) && !world.cache.find_commit("org/model", name) &&
                     !parse_safetensors_index(index, "index").ok() && !leads_out(name);
    CHECK(all);
    refused += all ? 1 : 0;
  }
  CHECK(refused == 300);
}

}  // namespace mang::test
