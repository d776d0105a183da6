// A conversation at a terminal: the keys a person presses, and what comes back.
#include "cli/terminal.h"
#include "support/golden.h"

namespace mang::test {
namespace {

const std::string kModel = MANG_SOURCE_DIR "/tests/golden/smollm2/tied-gqa/model.gguf";
const std::string kCtrlC = "\x03", kCtrlD = "\x04", kUp = "\x1b[A";
const std::string kPrompt = "> ";

std::string pasted(const std::string& text) { return "\x1b[200~" + text + "\x1b[201~"; }

// The figures of one answer, as the conversation writes them with --json.
Json answer(Terminal& terminal) {
  terminal.until("{\"model\"");
  return parse_json("{\"model\"" + terminal.until("}\r\n"), "answer").value();
}

int64_t tokens_of(const std::string& prompt) {
  const Ran ran = mang({"run", kModel, "--json", "-n", "1", "-p", prompt});
  return parse_json(ran.out, "stdout").value()["prompt_tokens"];
}

TEST_CASE("pasted lines are one message, and so is what stands between three quotes") {
  const int64_t expected = tokens_of("tre già\nmăng mọc");
  Terminal terminal({"run", kModel, "--json", "-n", "1"});
  terminal.until(kPrompt);
  terminal.type(pasted("tre già\rmăng mọc") + "\r");
  CHECK(answer(terminal)["prompt_tokens"] == expected);
  terminal.until(kPrompt);
  terminal.type("/clear\r");
  terminal.until(kPrompt);
  terminal.type("\"\"\"tre già\rmăng mọc\"\"\"\r");
  CHECK(answer(terminal)["prompt_tokens"] == expected);
  terminal.until(kPrompt);
  terminal.type("/clear\r");
  terminal.until(kPrompt);
  terminal.type(kUp + kUp + "\r");  // /clear is not remembered; the paste is the one before the last
  CHECK(answer(terminal)["prompt_tokens"] == expected);
  terminal.until(kPrompt);
  terminal.type(kCtrlD);
  CHECK(terminal.finish() == 0);
}

TEST_CASE("a long line is taken whole, and mistakes in it can be mended") {
  std::string words;
  for (int i = 0; i < 250; ++i) words += "ab ";  // more rows than the terminal has columns for
  Terminal terminal({"run", kModel, "--json", "-n", "1", "-c", "512"});
  terminal.until(kPrompt);
  terminal.type(
      "ợợ\x7f\x7f"
      "one twx\x7f"
      "o\r");
  CHECK(answer(terminal)["prompt_tokens"] == tokens_of("one two"));
  terminal.until(kPrompt);
  terminal.type(words + "\r");
  terminal.until("512");  // too long for this model: the error has both numbers, and the conversation goes on
  terminal.until("taken back");
  terminal.until(kPrompt);
  terminal.type("/clear\r");
  terminal.until(kPrompt);
  terminal.type("one two\r");
  CHECK(answer(terminal)["prompt_tokens"] == tokens_of("one two"));
  terminal.until(kPrompt);
  terminal.type("/bye\r");
  CHECK(terminal.finish() == 0);
}

TEST_CASE("Ctrl-C drops what was typed, or stops the answer, and the conversation goes on") {
  TempDir dir;
  const std::string model = patient_model(dir);
  Terminal terminal({"run", "-m", model, "--ignore-eos", "--isa", "generic"});
  terminal.until(kPrompt);
  terminal.type("never mind" + kCtrlC);
  terminal.until("Ctrl-D or /bye");
  terminal.until(kPrompt);
  terminal.type("Hello there\r");
  terminal.until("\n");
  ::usleep(200'000);
  terminal.type(kCtrlC);
  terminal.until(kPrompt);
  terminal.type("/nonsense\r");
  terminal.until("is no command");
  terminal.until(kPrompt);
  terminal.type(kCtrlD);
  CHECK(terminal.finish() == 0);
}

TEST_CASE("a conversation that is told to end does") {
  Terminal terminal({"run", "-m", kModel});
  terminal.until(kPrompt);
  terminal.signal(SIGTERM);
  CHECK(terminal.finish() == 130);
}

TEST_CASE("a terminal that cannot move its cursor gets plain lines") {
  Terminal terminal({"run", kModel, "--json", "-n", "1"}, "dumb");
  terminal.until(kPrompt);
  terminal.type("one two\r");
  CHECK(answer(terminal)["prompt_tokens"] == tokens_of("one two"));
  terminal.until(kPrompt);
  terminal.type(kCtrlD);
  CHECK(terminal.finish() == 0);
  CHECK(!has(terminal.screen(), "\x1b[?2004h"));
}

TEST_CASE("what a model writes cannot command the terminal, and what takes a while leaves no trace") {
  Terminal terminal({"run", kModel, "-n", "64", "--ignore-eos", "--temperature", "3", "--top-k", "0", "--top-p", "1",
                     "-p", "one two", "--system", std::string(200, 'x')});
  CHECK(terminal.finish() == 0);
  const std::string& screen = terminal.screen();
  CHECK(has(screen, "Loading model.gguf"));
  for (size_t i = 0; i < screen.size(); ++i) {
    const char c = screen[i];
    const bool ours = screen.compare(i, 3, "\x1b[K") == 0;
    CHECK((c == '\n' || c == '\r' || c == '\t' || ours || static_cast<unsigned char>(c) >= 0x20));
  }
}

}  // namespace
}  // namespace mang::test
