// A conversation at a terminal: the keys a person presses, and what comes back.
#include "cli/terminal.h"
#include "support/golden.h"

namespace mang::test {
namespace {

const std::string kCtrlC = "\x03", kCtrlD = "\x04", kUp = "\x1b[A";
const std::string kPrompt = "> ";

std::string pasted(const std::string& text) { return "\x1b[200~" + text + "\x1b[201~"; }

// The figures of one answer, as the conversation writes them with --json.
Json answer(Terminal& terminal) {
  terminal.until("{\"model\"");
  return parse_json("{\"model\"" + terminal.until("}\r\n"), "answer").value();
}

int64_t tokens_of(const std::string& prompt) {
  const Ran ran = mang({"run", kGguf, "--json", "-n", "1", "-p", prompt});
  return parse_json(ran.out, "stdout").value()["prompt_tokens"];
}

TEST_CASE("pasted lines are one message, and so is what stands between three quotes") {
  const int64_t expected = tokens_of("tre già\nmăng mọc");
  Terminal terminal({"run", kGguf, "--json", "-n", "1"});
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
  Terminal terminal({"run", kGguf, "--json", "-n", "1", "-c", "512"});
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

TEST_CASE("settings, another model and another try, without losing the conversation") {
  TempDir dir;
  Terminal terminal({"run", kGguf, "--json", "-n", "4", "--ignore-eos", "--temperature", "0"});
  terminal.until(kPrompt);
  terminal.type("/retry\r");
  terminal.until("no answer yet");
  terminal.until(kPrompt);
  terminal.type("one two\r");
  const Json first = answer(terminal);
  terminal.until(kPrompt);
  terminal.type("/retry\r");
  terminal.until("always the same");
  CHECK(answer(terminal)["ids"] == first["ids"]);
  terminal.until(kPrompt);
  terminal.type("/set temperature 3\r");
  terminal.until("From the next answer on");
  terminal.until(kPrompt);
  terminal.type("/ret\t\r");  // Tab completes it
  const Json other = answer(terminal);
  CHECK(other["ids"] != first["ids"]);
  CHECK(other["seed"] == 2);
  CHECK(other["prompt_tokens"] == first["prompt_tokens"]);
  terminal.until(kPrompt);
  terminal.type("/model /nowhere/x.gguf\r");
  terminal.until("no such file");
  terminal.until("goes on with");
  terminal.until(kPrompt);
  terminal.type("/model " + kDirectory + "\r");
  terminal.until("goes on with");
  terminal.until("tied-gqa.)");
  terminal.until(kPrompt);
  terminal.type("three\r");
  CHECK(answer(terminal)["prompt_tokens"] > first["prompt_tokens"]);  // what was said is still there
  terminal.until(kPrompt);
  terminal.type("/show\r");
  terminal.until("temperature");
  terminal.until(kPrompt);
  terminal.type("/copy\r");
  terminal.until("\x1b]52;c;");
  terminal.until(kPrompt);
  terminal.type("/claer\r");
  terminal.until("Did you mean /clear");
  terminal.until(kPrompt);
  terminal.type("/clear\r");
  terminal.until(kPrompt);
  terminal.type("one two\r");
  CHECK(answer(terminal)["prompt_tokens"] == first["prompt_tokens"]);
  terminal.until(kPrompt);
  terminal.type("/bye\r");
  CHECK(terminal.finish() == 0);
}

TEST_CASE("a conversation that was killed goes on where it was") {
  TempDir dir;
  const std::string model = patient_model(dir);
  const std::string data = "XDG_DATA_HOME=" + dir.file("data");
  Json first;
  {
    Terminal terminal({"run", "-m", model, "--json", "-n", "4", "--ignore-eos"}, "xterm", {data});
    terminal.until(kPrompt);
    terminal.type("one two\r");
    first = answer(terminal);
    terminal.until(kPrompt);
    terminal.type("/save talk\r");
    terminal.until("Kept as 'talk'");
    terminal.until(kPrompt);
    terminal.type("/set max-tokens 100000\r");
    terminal.until(kPrompt);
    terminal.type("/set temperature 1\r");
    terminal.until(kPrompt);
    terminal.type("and then?\r");
    terminal.until("\n");
    ::usleep(200'000);
    terminal.signal(SIGKILL);
    CHECK(terminal.finish() == 128 + SIGKILL);
  }
  {
    Terminal terminal({"run", "--resume", "--json", "-n", "4", "--ignore-eos"}, "xterm", {data});  // the model too
    terminal.until("after 2 messages");
    terminal.until("one two");
    terminal.until(kPrompt);
    terminal.type("three\r");
    CHECK(answer(terminal)["prompt_tokens"] > first["prompt_tokens"]);
    terminal.until(kPrompt);
    terminal.type("/clear\r");
    terminal.until(kPrompt);
    terminal.type("/load\r");
    terminal.until("talk");
    terminal.until("one two");
    terminal.until(kPrompt);
    terminal.type("/load talk\r");
    terminal.until("after 4 messages");
    terminal.until(kPrompt);
    CHECK(terminal.leave() == 0);
  }
  const Ran more = mang({"run", "--resume", "talk", "--json", "-n", "1", "-p", "four"}, {.environment = {data}});
  CHECK(more.code == 0);
  CHECK(parse_json(more.out, "stdout").value()["prompt_tokens"] > first["prompt_tokens"]);
  check_refused(mang({"run", "--resume=nobody", "-p", "x"}, {.environment = {data}}), 1, "'nobody'");
}

TEST_CASE("a broken database does not end a conversation") {
  TempDir dir;
  std::filesystem::create_directories(dir.file("data/mang"));
  dir.write("data/mang/conversations.db", std::string(5000, 'x'));
  Terminal terminal({"run", kGguf, "--json", "-n", "1"}, "xterm", {"XDG_DATA_HOME=" + dir.file("data")});
  terminal.until(kPrompt);
  terminal.type("one\r");
  answer(terminal);
  terminal.until("is not kept");
  terminal.until(kPrompt);
  terminal.type("two\r");
  answer(terminal);
  terminal.until(kPrompt);
  terminal.type("/load\r");
  terminal.until("not a database");
  terminal.until(kPrompt);
  terminal.type("/bye\r");
  CHECK(terminal.finish() == 0);
  size_t said = 0;
  for (size_t at = 0; (at = terminal.screen().find("is not kept", at)) != std::string::npos; ++at) ++said;
  CHECK(said == 1);
}

TEST_CASE("a conversation that is told to end does") {
  Terminal terminal({"run", "-m", kGguf});
  terminal.until(kPrompt);
  terminal.signal(SIGTERM);
  CHECK(terminal.finish() == 130);
}

TEST_CASE("a terminal that cannot move its cursor gets plain lines") {
  Terminal terminal({"run", kGguf, "--json", "-n", "1"}, "dumb");
  terminal.until(kPrompt);
  terminal.type("one two\r");
  CHECK(answer(terminal)["prompt_tokens"] == tokens_of("one two"));
  terminal.until(kPrompt);
  terminal.type(kCtrlD);
  CHECK(terminal.finish() == 0);
  CHECK(!has(terminal.screen(), "\x1b[?2004h"));
}

TEST_CASE("what a model writes cannot command the terminal, and what takes a while leaves no trace") {
  Terminal terminal({"run", kGguf, "-n", "64", "--ignore-eos", "--temperature", "3", "--top-k", "0", "--top-p", "1",
                     "-p", "one two", "--system", std::string(200, 'x')});
  CHECK(terminal.finish() == 0);
  const std::string& screen = terminal.screen();
  CHECK(has(screen, "Loading model.gguf"));
  for (size_t i = 0; i < screen.size(); ++i) {
    const char c = screen[i];
    // Styles, and moving back to write a line again; a model's own escape is shown as a picture.
    const size_t end = screen.find_first_not_of("0123456789;", i + 2);
    const bool ours = screen.compare(i, 2, "\x1b[") == 0 && end < screen.size() && has("mACJK", {screen[end]});
    CHECK((c == '\n' || c == '\r' || c == '\t' || ours || static_cast<unsigned char>(c) >= 0x20));
  }
}

// The tiny model with a template that begins the answer within reasoning, as those of some families do.
std::string thinking_model(const TempDir& dir) {
  const std::string path = patient_model(dir);
  std::string page = read_file(path + "/chat_template.jinja");
  page += "{% if add_generation_prompt and enable_thinking is not defined %}{{ '<think>\n' }}{% endif %}";
  dir.write("patient/chat_template.jinja", page);
  return path;
}

TEST_CASE("what is thought is kept apart from the answer, and out of pipes") {
  TempDir dir;
  const std::string model = thinking_model(dir);
  const std::vector<std::string> ask = {"run", model, "one two", "-n", "12", "--ignore-eos"};
  auto with = [&](const std::string& option) {
    std::vector<std::string> arguments = ask;
    arguments.push_back(option);
    return mang(arguments);
  };
  const Json json = parse_json(with("--json").out, "stdout").value();
  const auto reasoning = json["reasoning"].get<std::string>();
  CHECK(!reasoning.empty());
  CHECK(json["text"] == "");
  CHECK(mang(ask).out == "\n");
  CHECK(with("--show-thinking").out == "<think>\n" + reasoning + "\n</think>\n\n");
  CHECK(with("--hide-thinking").out == "\n");

  Terminal terminal({"run", model, "-n", "12", "--ignore-eos", "--hide-thinking"});
  terminal.until(kPrompt);
  terminal.type("one two\r");
  terminal.until("Thought for");
  terminal.until("12 tokens");
  terminal.until(kPrompt);
  terminal.type("/set think off\r");
  terminal.until("From the next answer on");
  terminal.until(kPrompt);
  terminal.type("one two\r");
  const std::string second = terminal.until(kPrompt);
  CHECK(!has(second, "Thought for"));
  terminal.type(kCtrlD);
  CHECK(terminal.finish() == 0);
}

TEST_CASE("a pipe and a dumb terminal get the answer as it is, another its Markdown") {
  const std::vector<std::string> ask = {"run", kGguf, "one two", "-n", "24", "--ignore-eos"};
  std::vector<std::string> json = ask;
  json.emplace_back("--json");
  const auto text = parse_json(mang(json).out, "stdout").value()["text"].get<std::string>();
  CHECK(mang(ask).out == text + (text.ends_with('\n') ? "" : "\n"));
  Terminal dumb(ask, "dumb");
  CHECK(dumb.finish() == 0);
  const std::string& screen = dumb.screen();
  const size_t answer_begins = screen.rfind("\x1b[K");  // "Loading …" went with it
  CHECK(screen.find('\x1b', answer_begins == std::string::npos ? 0 : answer_begins + 1) == std::string::npos);
}

TEST_CASE("files by @path in a message, and how full the context is") {
  TempDir dir;
  const std::string file = dir.write("notes.txt", "tre già măng mọc\n");
  const std::string page = dir.write("page.html", "<p>tre <b>già</b><script>no</script> măng mọc");
  Terminal terminal({"run", kGguf, "-n", "4", "--ignore-eos", "--temperature", "0"});
  terminal.until(kPrompt);
  terminal.type("what is @" + file + "?\r");
  terminal.until("Read " + file);
  terminal.until(" of 512 tokens");
  terminal.until(kPrompt);
  terminal.type("and @/dev/zero\r");
  terminal.until("is a device");
  terminal.until("Nothing was sent");
  terminal.until(kPrompt);
  terminal.type(kCtrlD);
  CHECK(terminal.finish() == 0);

  const Ran html = mang({"run", kGguf, "what is @" + page, "--json", "-n", "1"});
  CAPTURE(html.err);
  CHECK(html.code == 0);
  CHECK(has(html.err, "Read " + page));
  const std::string same = page + ":\n```\ntre già măng mọc\n```\n\nwhat is @" + page;
  const Ran piped = mang({"run", kGguf, "--json", "-n", "1"}, {.input = same});  // where @ is only a letter
  CHECK(parse_json(html.out, "stdout").value()["prompt_tokens"] ==
        parse_json(piped.out, "stdout").value()["prompt_tokens"]);
  const std::string large = dir.write("large.txt", std::string(4000, 'x'));
  const Ran refused = mang({"run", kGguf, "@" + large, "-n", "1"});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK(has(refused.err, "512"));
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<div>";
  const Ran nested = mang({"run", kGguf, "@" + dir.write("deep.html", deep + "tre"), "-n", "1"});
  CAPTURE(nested.err);
  CHECK(nested.code == 0);
}

TEST_CASE("mang alone greets a person, and gives a program the help") {
  Terminal terminal({});
  terminal.until("First steps");
  terminal.until("mang run");
  CHECK(terminal.finish() == 0);
  const Ran ran = mang({});
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
}

}  // namespace
}  // namespace mang::test
