// However little memory there is, a command ends with its result or with a sentence, never with a signal.
#include "cli/subprocess.h"
#include "support/golden.h"
#include "support/scale.h"

namespace mang::test {
namespace {

constexpr uint64_t kMib = 1024;  // in KiB, as ulimit counts

// The least memory in which the program and its libraries start at all.
uint64_t least_memory() {
  uint64_t kib = 8 * kMib;
  while (mang({"--version"}, {.memory_kib = kib}).code != 0) {
    kib += kMib;
    REQUIRE(kib < 512 * kMib);
  }
  return kib;
}

// AddressSanitizer maps terabytes of its own, which such a limit does not let it; what its build can check of this is
// in the tests of the thread pool, the cache and the weights.
TEST_CASE("with any limit of memory a command works or says that there is not enough" * doctest::skip(kSanitized)) {
  TempDir dir;
  const std::string ids = dir.write("ids.json", "[5, 6, 7, 8, 9]");
  const std::vector<std::vector<std::string>> commands = {
      {"run", kGguf, "-p", "three", "-n", "4", "--temperature", "0", "--threads", "2"},
      {"logits", kGguf, "--ids", ids, "-o", dir.file("out.npy"), "--chunk", "0", "--threads", "2"},
      {"tokenize", kGguf},
      {"show", kGguf},
  };
  const uint64_t least = least_memory();
  for (const auto& command : commands) {
    CAPTURE(command[0]);
    int refused = 0;
    bool worked = false;
    uint64_t kib = least;
    while (!worked) {
      CAPTURE(kib);
      const Ran ran = mang(command, {.input = "one two", .memory_kib = kib});
      CAPTURE(ran.err);
      worked = ran.code == 0;
      if (!worked) {
        ++refused;
        CHECK(ran.code == 1);
        CHECK(ran.err.starts_with("mang: "));
        CHECK(has(ran.err, "memory"));
      }
      kib += kib / scale(8, 64);
      REQUIRE(kib < 4096 * kMib);
    }
    if (command[0] == "run" || command[0] == "logits") CHECK(refused > 0);
  }
}

TEST_CASE("a context no model reads is refused with the one it does") {
  check_refused(mang({"run", kGguf, "one two", "-c", "100000000"}), 1, "at most");
  check_refused(mang({"bench", kGguf, "-p", "10000000", "-n", "0"}), 1, "context");
}

}  // namespace
}  // namespace mang::test
