// Drafts and the proof of sameness as a user meets them, on a tiny checkpoint.
#include "cli/subprocess.h"

namespace mang::test {
namespace {

const std::string kOther = MANG_SOURCE_DIR "/tests/golden/llama/linear-f32";

Json answer(std::vector<std::string> options) {
  std::vector<std::string> arguments{"run",   "-m",     kGguf,          "-p",           "the cat and the cat and",
                                     "--raw", "--json", "--ignore-eos", "--max-tokens", "60"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return json_of(mang(arguments));
}

TEST_CASE("mang run answers the same with and without drafts, and says what came of them") {
  for (const char* temperature : {"0", "0.9"}) {
    const std::vector<std::string> how = {"--temperature", temperature};
    const auto with = [&](std::vector<std::string> more) {
      more.insert(more.end(), how.begin(), how.end());
      return answer(more);
    };
    const Json plain = with({"--speculate", "off"});
    CHECK(plain["drafted_tokens"] == 0);
    CHECK(with({})["ids"] == plain["ids"]);
    const Json looked_up = with({"--speculate", "always"});
    CHECK(looked_up["ids"] == plain["ids"]);
    const Json drafted = with({"--speculate", "always", "--draft", kGguf});
    CHECK(drafted["ids"] == plain["ids"]);
    CHECK(drafted["drafted_tokens"] > 0);
    if (std::string(temperature) == "0") CHECK(drafted["accepted_tokens"] > 30);
  }
  const Ran verbose = mang({"run", "-m", kGguf, "-p", "a b a b", "--raw", "--max-tokens", "20", "--ignore-eos",
                            "--speculate", "always", "--draft", kGguf, "--verbose"});
  CHECK(verbose.code == 0);
  CHECK(verbose.err.find("drafted tokens were right") != std::string::npos);
}

TEST_CASE("a draft model with another vocabulary is refused") {
  check_refused(mang({"run", "-m", kGguf, "-p", "a", "--raw", "--draft", kOther}), 1, "another vocabulary");
}

TEST_CASE("mang bench --determinism compares and says the same; its SHA-256 is that of the next time") {
  const std::vector<std::string> arguments = {"bench", kGguf,  "--determinism", "--prompts",
                                              "1",     "--kv", "f16",           "--json"};
  const Json first = json_of(mang(arguments));
  CHECK(first["same"] == true);
  CHECK(first["answers"].get<int64_t>() >= 2 * 16);
  CHECK(first["accepted_drafts"] > 0);
  CHECK(first["ways"].size() > 16);
  const Ran page = mang({"bench", kGguf, "--determinism", "--prompts", "1", "--kv", "f16", "--isa", "generic"});
  CHECK(page.code == 0);
  CHECK(page.out.find("the same: every token") != std::string::npos);
  CHECK(page.out.find(first["sha256"].get<std::string>()) != std::string::npos);
}

TEST_CASE("mang bench --speculation measures in pairs and compares the answers") {
  const Ran ran = mang({"bench", kGguf, "--speculation", "-n", "16", "-r", "2", "-o", "jsonl"});
  REQUIRE(ran.code == 0);
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') >= 3);
  CHECK(ran.out.find("\"worst_ratio\"") != std::string::npos);
}

}  // namespace
}  // namespace mang::test
