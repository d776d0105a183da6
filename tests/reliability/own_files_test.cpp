// What the command line keeps of its own: settings and conversations. Whatever call fails, what was there is there.
#include <doctest/doctest.h>

#include <cerrno>

#include "cli/conversation_store.h"
#include "reliability/cache_checks.h"
#include "reliability/faults.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mang::test {
namespace {

namespace fs = std::filesystem;

const std::string kModel = MANG_SOURCE_DIR "/tests/golden/smollm2/tied-gqa/model.gguf";
const std::string kWriting = "write,pwrite,fsync,rename,truncate,mkdir,create,chmod";

TEST_CASE("a setting that cannot be written leaves the settings as they were") {
  const TempDir dir{TempDir::On::memory};
  const std::string before = "# mine\nthreads = 2\n\n[run]\ntemperature = 0.7  # warm\n",
                    file = dir.file("c/config.toml");
  std::string after = before;
  after.replace(after.find("0.7"), 3, "0.2");
  How how;
  how.environment = {"MANG_CONFIG=" + file};
  const Scene set{.name = "change a setting",
                  .arguments = {"config", "set", "run.temperature", "0.2"},
                  .how = how,
                  .reset =
                      [&] {
                        fs::remove_all(dir.file("c"));
                        fs::create_directory(dir.file("c"));
                        dir.write("c/config.toml", before);
                      },
                  .check_failed =
                      [&] {
                        // The last call is the folder's: by then the new file is there, as a whole.
                        const bool whole = read_file(file) == before || read_file(file) == after;
                        CHECK(whole);
                        CHECK(files_below(dir.file("c")).size() == 1);
                      },
                  .check_succeeded =
                      [&](const Ran&) {
                        CHECK(read_file(file) == after);
                        CHECK(files_below(dir.file("c")).size() == 1);
                      }};
  const Swept full = sweep(set, {.label = "disk full",
                                 .fault = {.kinds = kWriting, .how = "onward", .error = ENOSPC},
                                 .most = 50,
                                 .sentence = "the disk is full"});
  CHECK(full.failed > 0);
  sweep(set, {.label = "disk failing", .fault = {.kinds = kWriting, .how = "onward", .error = EIO}, .most = 50});
}

// The messages of the conversation called "trip"; null: it cannot be read.
Json trip_in(const std::string& database) {
  auto store = cli::ConversationStore::open(database);
  if (!store.ok()) return nullptr;
  const auto found = store->find("trip");
  if (!found.ok()) return nullptr;
  const auto messages = store->messages(found->id);
  return messages.ok() ? *messages : Json(nullptr);
}

TEST_CASE("a conversation that cannot be kept is answered all the same, and what was kept stays") {
  const TempDir dir{TempDir::On::memory};
  const std::string database = dir.file("data/mang/conversations.db");
  const Json kept = {{{"role", "user"}, {"content", "one"}}, {{"role", "assistant"}, {"content", "two"}}};
  How how;
  how.environment = {"XDG_DATA_HOME=" + dir.file("data")};
  const std::vector<std::string> arguments = {"run", "--resume=trip", "-m", kModel, "-p", "three", "-n", "3", "-q"};
  const auto run = [&](const Fault& fault) {
    fs::remove_all(dir.file("data"));
    {
      auto store = cli::ConversationStore::open(database);
      REQUIRE(store.ok());
      const auto id = store->create(kModel, kept);
      REQUIRE(id.ok());
      REQUIRE(store->set_name(*id, "trip").ok());
    }
    return run_with(fault, arguments, how);
  };
  // SQLite makes these calls itself.
  Fault fault{.kinds = "pwrite,write,fsync,truncate,create,unlink", .how = "onward", .error = ENOSPC, .scope = "all"};
  const Faulted whole = run(fault);
  REQUIRE(whole.ran.code == 0);
  REQUIRE(trip_in(database).size() == 4);
  int stored = 0, warned = 0, refused = 0;
  for (const uint64_t n : picks(whole.calls, static_cast<size_t>(scale(reduced(25, 4), 1000)))) {
    CAPTURE(n);
    for (const int error : {ENOSPC, EIO}) {
      fault.nth = n;
      fault.error = error;
      const Faulted faulted = run(fault);
      CAPTURE(faulted.ran.err);
      const Json there = trip_in(database);
      REQUIRE(there.is_array());
      REQUIRE(there.size() >= 2);
      CHECK(there[0] == kept[0]);
      CHECK(there[1] == kept[1]);
      const bool is_whole = there.size() == 2 || there.size() == 4;  // an exchange is kept, or it is not
      CHECK(is_whole);
      if (faulted.ran.code != 0) {
        check_clear_failure(faulted, "");
        ++refused;
        continue;
      }
      CHECK(faulted.ran.out == whole.ran.out);
      const bool told = faulted.ran.err.find("not kept") != std::string::npos;
      const bool honest = told || there.size() == 4;
      CHECK(honest);
      ++(there.size() == 4 ? stored : warned);
    }
  }
  std::printf(
      "measured: faults: keep a conversation, disk full or failing: %d runs: %d kept, %d answered and told, %d "
      "refused\n",
      stored + warned + refused, stored, warned, refused);
  CHECK(warned > 0);
}

}  // namespace
}  // namespace mang::test
