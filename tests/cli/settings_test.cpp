// Settings: where a value comes from, what is refused, and `mang config`; in a table, then through the real program.
#include "cli/settings.h"

#include <fmt/core.h>

#include <set>
#include <sstream>

#include "base/json.h"
#include "cli/subprocess.h"

namespace mang::cli {
namespace {

// A program with an option of every kind.
struct Program {
  CLI::App app;
  int threads = 0;
  std::string isa, system;
  std::optional<float> temperature;
  std::vector<std::string> stop;
  std::vector<int64_t> sizes{512};
  bool json = false, jsonl = false, verbose = false;
  std::string model;
  int64_t window = 512;
  CLI::App* run = nullptr;
  CLI::App* measure = nullptr;

  Program() {
    app.name("mang");
    app.require_subcommand(0, 1);
    run = app.add_subcommand("run");
    run->add_option("PROMPT", prompt);
    run->add_option("-p,--prompt", prompt_flag);
    run->add_option("-t,--threads", threads)->check(CLI::Range(1, 1024))->type_name("N");
    run->add_option("--isa", isa, "The set (the best)")->check(CLI::IsMember({"generic", "avx2"}));
    run->add_option("--temperature,--temp", temperature)->type_name("T");
    run->add_option("--stop", stop)->allow_extra_args(false);
    CLI::Option* whole = run->add_flag("--json", json);
    run->add_flag("--jsonl", jsonl)->excludes(whole);
    run->add_flag("-v,--verbose", verbose);
    measure = app.add_subcommand("perplexity");
    measure->add_option("MODEL,-m,--model", model)->required();
    measure->add_option("-c,--context", window);
    measure->add_option("--n-sizes", sizes)->delimiter(',')->allow_extra_args(false)->check(CLI::Range(1, 4096));
  }
  std::string prompt, prompt_flag;

  // What the action would see; the error as a user reads it.
  Result<Settings> parse(std::vector<std::string> arguments, const std::string& file,
                         std::vector<std::string> variables = {}) {
    const std::string path = dir.write("config.toml", file);
    variables.push_back("MANG_CONFIG=" + path);
    Result<Settings> settings = Settings::read(Environment(variables));
    if (!settings.ok()) return shortened(settings.error());
    settings->prepare(app);
    std::reverse(arguments.begin(), arguments.end());
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& error) {
      return Error{error.what()};
    }
    if (Result<void> known = settings->check(app, [&](const std::string& text) { warnings += text + "\n"; });
        !known.ok()) {
      return shortened(known.error());
    }
    if (Result<void> applied = settings->apply(app, *app.get_subcommands().front()); !applied.ok()) {
      return shortened(applied.error());
    }
    return settings;
  }
  Error shortened(const Error& error) const {
    std::string text = error.message;
    for (size_t at; (at = text.find(dir.path() + "/")) != std::string::npos;) text.erase(at, dir.path().size() + 1);
    return Error{text};
  }
  test::TempDir dir;
  std::string warnings;
};

TEST_CASE("the flag is stronger than the variables, they than the file, the section than the top") {
  // Every combination of the five places; the strongest that is there must win.
  for (int mask = 0; mask < 32; ++mask) {
    CAPTURE(mask);
    Program program;
    std::vector<std::string> arguments{"run"}, variables;
    std::string file;
    const std::string order[] = {"--threads", "MANG_RUN_THREADS", "MANG_THREADS", "config.toml, line 2",
                                 "config.toml, line 1"};
    file += (mask & 16) != 0 ? "threads = 5\n" : "\n";
    if ((mask & 8) != 0) file = file.substr(0, file.size() - 1) + "\n[run]\n";
    if ((mask & 8) != 0) file += "threads = 4\n";
    if ((mask & 4) != 0) variables.emplace_back("MANG_THREADS=3");
    if ((mask & 2) != 0) variables.emplace_back("MANG_RUN_THREADS=2");
    if ((mask & 1) != 0) arguments.emplace_back("--threads=1");
    const Result<Settings> settings = program.parse(arguments, file, variables);
    REQUIRE(settings.ok());
    int expected = 0;
    while (expected < 5 && (mask >> expected & 1) == 0) ++expected;
    CHECK(program.threads == (expected == 5 ? 0 : expected + 1));
    REQUIRE(settings->used().size() == (expected == 5 ? 0 : 1));
    if (expected < 3) CHECK(settings->place(settings->used()[0]) == order[expected]);
    if (expected == 3) CHECK(settings->used()[0].line == 3);
    if (expected == 4) CHECK(settings->used()[0].line == 1);
    CHECK(settings->given("threads") == (expected == 0));
  }
}

TEST_CASE("options of every kind") {
  Program program;
  const Result<Settings> settings = program.parse({"run", "hello"},
                                                  "temperature = 0.5\nstop = [\"a, b\", 'c']\n"
                                                  "verbose = true\n[run]\nisa = \"avx2\"\njsonl = false\n");
  REQUIRE(settings.ok());
  CHECK(program.temperature == 0.5F);
  CHECK(program.stop == std::vector<std::string>{"a, b", "c"});
  CHECK(program.verbose);
  CHECK(!program.jsonl);
  CHECK(program.isa == "avx2");
  CHECK(program.prompt == "hello");

  Program variables;
  REQUIRE(variables
              .parse({"run", "--stop", "z"}, "stop = ['no']",
                     {"MANG_TEMPERATURE=1", "MANG_VERBOSE=on", "MANG_JSON=0", "MANG_STOP=[\"x\"]", "MANG_ISA="})
              .ok());
  CHECK(variables.temperature == 1.0F);
  CHECK(variables.verbose);
  CHECK(!variables.json);
  CHECK(variables.isa.empty());
  CHECK(variables.stop == std::vector<std::string>{"z"});

  Program listed;
  REQUIRE(listed.parse({"run"}, "stop = ['no']", {"MANG_STOP=[\"x\", \"y\"]"}).ok());
  CHECK(listed.stop == std::vector<std::string>{"x", "y"});
  Program single;
  REQUIRE(single.parse({"run"}, "", {"MANG_STOP=x"}).ok());
  CHECK(single.stop == std::vector<std::string>{"x"});
  Program emptied;
  REQUIRE(emptied.parse({"run"}, "stop = ['no']\n[run]\nstop = []").ok());
  CHECK(emptied.stop.empty());
  Program off;
  REQUIRE(off.parse({"run", "--verbose=false"}, "verbose = true").ok());
  CHECK(!off.verbose);
  Program many;
  REQUIRE(many.parse({"perplexity", "x"}, "n-sizes = [1, 2]").ok());
  CHECK(many.sizes == std::vector<int64_t>{1, 2});
  Program words;
  REQUIRE(words.parse({"perplexity", "x"}, "", {"MANG_N_SIZES=3,4"}).ok());
  CHECK(words.sizes == std::vector<int64_t>{3, 4});
}

TEST_CASE("what is required may be set, and a positional is stronger") {
  Program set;
  REQUIRE(set.parse({"perplexity"}, "model = 'm'").ok());
  CHECK(set.model == "m");
  Program positional;
  REQUIRE(positional.parse({"perplexity", "p"}, "model = 'm'").ok());
  CHECK(positional.model == "p");
  Program neither;
  CHECK(!neither.parse({"perplexity"}, "").ok());
}

TEST_CASE("an option that excludes another gives way to the stronger") {
  Program flag;
  REQUIRE(flag.parse({"run", "--jsonl"}, "json = true").ok());
  CHECK(flag.jsonl);
  CHECK(!flag.json);
  Program section;
  REQUIRE(section.parse({"run"}, "json = true\n[run]\njsonl = true").ok());
  CHECK(section.jsonl);
  CHECK(!section.json);
  Program off;
  REQUIRE(off.parse({"run"}, "json = true\n[run]\njsonl = false").ok());
  CHECK(off.json);
  Program both;
  CHECK(both.parse({"run"}, "json = true\njsonl = true").error().message ==
        "'json' (config.toml, line 1) and 'jsonl' (config.toml, line 2) exclude each other. Keep one.");
}

TEST_CASE("what makes no sense is refused with its place and what is expected") {
  struct Wrong {
    const char* file;
    const char* variable;
    const char* part;
  };
  for (const Wrong& each : std::vector<Wrong>{
           {"\n\nthreads = 'x'", "", "config.toml, line 3: 'threads' must be a whole number from 1 to 1024, not 'x'."},
           {"threads = 0", "", "from 1 to 1024, not '0'."},
           {"threads = [1, 2]", "", "'threads' must be one value, not a list."},
           {"threads = true", "", "'threads' must be a whole number"},
           {"", "MANG_THREADS=x", "MANG_THREADS: 'threads' must be a whole number from 1 to 1024, not 'x'."},
           {"", "MANG_RUN_THREADS=x", "MANG_RUN_THREADS: 'threads' must be"},
           {"isa = 'sse9'", "", "config.toml, line 1: 'isa' must be one of generic, avx2, not 'sse9'."},
           {"temperature = 'warm'", "", "'temperature' must be a number, not 'warm'."},
           {"verbose = 1", "", "'verbose' must be true or false, not '1'."},
           {"", "MANG_VERBOSE=maybe", "MANG_VERBOSE: must be true or false, not 'maybe'."},
           {"", "MANG_STOP=[1", "MANG_STOP: "},
           {"temprature = 1", "", "line 1: there is no setting 'temprature'. Did you mean 'temperature'?"},
           {"[run]\ntemp = 1", "", "line 2: there is no setting 'temp'. Did you mean 'temperature'?"},
           {"zzz = 1", "", "'mang config' shows all."},
           {"[rum]\n", "", "line 1: there is no command 'rum'. Did you mean 'run'?"},
           {"[perplexity]\nthreads = 1", "", "'threads' is no setting of 'perplexity', but of 'run'."},
           {"[run]\nprompt = 'x'", "", "'prompt' belongs to one call and is no setting."},
           {"[run]\nhelp = true", "", "'help' belongs to one call"},
       }) {
    CAPTURE(each.file);
    CAPTURE(each.variable);
    Program program;
    std::vector<std::string> variables;
    if (*each.variable != '\0') variables.emplace_back(each.variable);
    const Result<Settings> settings = program.parse({"run"}, each.file, variables);
    REQUIRE(!settings.ok());
    CAPTURE(settings.error().message);
    CHECK(settings.error().message.find(each.part) != std::string::npos);
  }
}

TEST_CASE("a word that means something else in one command is not set for all") {
  Program program;
  CHECK(program.parse({"perplexity", "x"}, "context = 9").error().message ==
        "config.toml, line 1: 'context' is set for one command. Write it under [perplexity].");
  Program variable;
  REQUIRE(variable.parse({"perplexity", "x"}, "[perplexity]\ncontext = 9", {"MANG_CONTEXT=8"}).ok());
  CHECK(variable.window == 9);
  Program own;
  REQUIRE(own.parse({"perplexity", "x"}, "[perplexity]\ncontext = 9", {"MANG_PERPLEXITY_CONTEXT=7"}).ok());
  CHECK(own.window == 7);
}

TEST_CASE("a variable that is nearly a setting is pointed at, others are left alone") {
  Program program;
  REQUIRE(program.parse({"run"}, "", {"MANG_THREDS=4", "MANG_PYTHON=x", "MANG_HOUSE_OF_CARDS=1", "MANGO=1"}).ok());
  CHECK(program.warnings == "the variable MANG_THREDS is no setting. Did you mean MANG_THREADS?\n");
}

TEST_CASE("where the settings file is") {
  const auto path = [](std::vector<std::string> variables) {
    return Settings::read(Environment(std::move(variables))).value().path();
  };
  CHECK(path({"HOME=/nonexistent"}) == "/nonexistent/.config/mang/config.toml");
  CHECK(path({"HOME=/nonexistent", "XDG_CONFIG_HOME=/nowhere"}) == "/nowhere/mang/config.toml");
  CHECK(path({"HOME=/nonexistent", "XDG_CONFIG_HOME=relative"}) == "/nonexistent/.config/mang/config.toml");
  CHECK(path({"MANG_CONFIG=/dev/null", "HOME=/nonexistent"}) == "/dev/null");
  CHECK(path({}).empty());
  CHECK(!Settings::read(Environment({"MANG_CONFIG=/nonexistent/x"})).ok());
  CHECK(!Settings::read(Environment({"MANG_CONFIG=/tmp"})).ok());
  CHECK(Settings::read(Environment({"HOME=/nonexistent"})).value().shown_path() == "~/.config/mang/config.toml");
}

}  // namespace
}  // namespace mang::cli

namespace mang::test {
namespace {

// A home with a settings file.
struct Home {
  TempDir dir;
  How how(std::vector<std::string> variables = {}) const {
    variables.push_back("HOME=" + dir.path());
    return {.environment = std::move(variables)};
  }
  [[nodiscard]] std::string file() const { return dir.file(".config/mang/config.toml"); }
  void write(const std::string& text) const {
    std::filesystem::create_directories(dir.file(".config/mang"));
    dir.write(".config/mang/config.toml", text);
  }
};

Json answer(const Home& home, std::vector<std::string> options = {}, std::vector<std::string> variables = {}) {
  std::vector<std::string> arguments{"run", kGguf, "hello"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const Ran ran = mang(arguments, home.how(std::move(variables)));
  CAPTURE(ran.err);
  REQUIRE(ran.code == 0);
  return parse_json(ran.out, "stdout").value();
}

TEST_CASE("run takes what is set: flag, variable, section, file") {
  const Home home;
  home.write("json = true\nthreads = 1\nseed = 5\nmax_tokens = 2\n[run]\nseed = 6\n");
  CHECK(answer(home)["seed"] == 6);
  CHECK(answer(home)["threads"] == 1);
  CHECK(answer(home, {}, {"MANG_SEED=7"})["seed"] == 7);
  CHECK(answer(home, {}, {"MANG_SEED=7", "MANG_RUN_SEED=8"})["seed"] == 8);
  CHECK(answer(home, {"--seed", "9"}, {"MANG_SEED=7"})["seed"] == 9);
  CHECK(answer(home, {"-n", "1"})["generated_tokens"] == 1);
  CHECK(mang({"run", kGguf, "hello", "--json=false", "-n", "1"}, home.how()).out.front() != '{');
}

TEST_CASE("a model that is set is the one to take when none is named") {
  const Home home;
  home.write("model = '" + kGguf + "'\njson = true\n[run]\nmax-tokens = 1\n");
  const Ran set = mang({"run", "hello there"}, home.how());
  CHECK(set.code == 0);
  CHECK(parse_json(set.out, "stdout").value()["model"] == kGguf);
  check_refused(mang({"run", "./none.gguf", "hello there"}, home.how()), 1, "none.gguf");
  CHECK(mang({"run", kGguf, "hello there"}, home.how({"MANG_MODEL=none.gguf"})).code == 0);
  check_refused(mang({"run", "hello there"}, home.how({"MANG_MODEL=./none.gguf"})), 1, "none.gguf");
}

TEST_CASE("a system message that is set gives way to --raw") {
  const Home home;
  home.write("[run]\nsystem = 'Answer briefly.'\njson = true\nmax-tokens = 1\n");
  CHECK(answer(home)["prompt_tokens"] > answer(home, {"--system", ""})["prompt_tokens"]);
  CHECK(answer(home, {"--raw"})["prompt_tokens"] < answer(home)["prompt_tokens"]);
  check_refused(mang({"run", "--raw", "--system", "x", "hello there"}), 2, "--system and --raw exclude each other");
}

TEST_CASE("a broken settings file is told with its place; help works nevertheless") {
  const Home home;
  home.write("threads = 4\nmodel = qwen3:4b\n");
  check_refused(mang({"list"}, home.how()), 2, "~/.config/mang/config.toml, line 2: 'qwen3:4b'");
  CHECK(mang({"run", "--help"}, home.how()).code == 0);
  home.write("thread = 4\n");
  check_refused(mang({"list"}, home.how()), 2, "line 1: there is no setting 'thread'. Did you mean 'threads'?");
  check_refused(mang({"config"}, home.how()), 2, "Did you mean 'threads'?");
  home.write("temperature = -1\n");
  const Ran wrong = mang({"run", "hello there"}, home.how());
  CHECK(wrong.code == 2);
  CHECK(has(wrong.err, "also set: temperature (~/.config/mang/config.toml, line 1)"));
  check_refused(mang({"list"}, home.how({"MANG_CONFIG=/nonexistent"})), 2, "/nonexistent");
}

TEST_CASE("the language is chosen before anything is said") {
  const Home home;
  const auto vietnamese = [&](std::vector<std::string> arguments, std::vector<std::string> variables) {
    arguments.emplace_back("--help");
    const Ran ran = mang(arguments, home.how(std::move(variables)));
    CHECK(ran.code == 0);
    return has(ran.out, "Ngôn ngữ");
  };
  CHECK(!vietnamese({"config"}, {}));
  CHECK(vietnamese({"--lang", "vi", "config"}, {}));
  CHECK(vietnamese({"config", "--lang=vi"}, {}));
  CHECK(vietnamese({"config"}, {"MANG_LANG=vi"}));
  CHECK(!vietnamese({"config", "--lang", "en"}, {"MANG_LANG=vi"}));
  CHECK(vietnamese({"config"}, {"LANG=vi_VN.UTF-8"}));
  CHECK(!vietnamese({"config"}, {"LANG=vi_VN.UTF-8", "LC_ALL=C"}));
  CHECK(!vietnamese({"config"}, {"LANG=fr_FR.UTF-8"}));
  home.write("lang = 'vi'\n");
  CHECK(vietnamese({"config"}, {"LANG=en_US.UTF-8"}));
  CHECK(!vietnamese({"config"}, {"MANG_LANG=en"}));
  check_refused(mang({"list", "--lang", "fr"}), 2, "--lang must be one of en, vi, not 'fr'.");
  check_refused(mang({"list"}, home.how({"MANG_LANG=fr"})), 2, "MANG_LANG: 'lang' must be one of en, vi, not 'fr'.");
  check_refused(mang({"list", "--lan", "vi"}, home.how({"MANG_LANG=en"})), 2, "--lang");
}

TEST_CASE("config shows every setting and where it comes from") {
  const Home home;
  home.write("threads = 3\n[run]\ntemperature = 0.5\n");
  const Ran page = mang({"config"}, home.how({"MANG_SEED=4"}));
  CHECK(page.code == 0);
  CHECK(page.err.empty());
  CHECK(has(page.out, "~/.config/mang/config.toml, line 1"));
  CHECK(has(page.out, "run.temperature"));
  CHECK(has(page.out, "MANG_SEED"));
  CHECK(has(page.out, "perplexity.context"));
  const Json json = parse_json(mang({"config", "--json"}, home.how({"MANG_SEED=4"})).out, "stdout").value();
  CHECK(json["path"] == home.file());
  const auto row = [&](const std::string& key) {
    for (const Json& each : json["settings"]) {
      if (each["key"] == key) return each;
    }
    FAIL(key);
    return Json();
  };
  CHECK(row("threads")["value"] == "3");
  CHECK(row("threads")["from"] == "file");
  CHECK(row("threads")["line"] == 1);
  CHECK(row("seed")["from"] == "variable");
  CHECK(row("seed")["variable"] == "MANG_SEED");
  CHECK(row("kv")["from"] == "default");
  CHECK(row("kv")["value"].is_null());
  CHECK(row("kv")["default"] == "f16");
  CHECK(row("run.temperature")["line"] == 3);
  home.write("isa = 'sse9'\n");  // of no command that runs
  check_refused(mang({"config"}, home.how()), 2, "line 1: 'isa' must be one of");
}

TEST_CASE("docs/settings.md lists every key as it is") {
  const Home home;
  const std::string page = read_file(MANG_SOURCE_DIR "/docs/settings.md");
  const Json json = parse_json(mang({"config", "--json"}, home.how()).out, "stdout").value();
  std::set<std::string> rows;
  for (const Json& each : json["settings"]) {
    std::string commands;
    for (const Json& command : each["commands"]) {
      if (!command.get<std::string>().empty()) commands += (commands.empty() ? "" : ", ") + command.get<std::string>();
    }
    std::string about = each["about"];
    for (size_t at = 0; (at = about.find('|', at)) != std::string::npos; at += 2) about.insert(at, 1, '\\');
    const std::string row =
        "| `" + each["key"].get<std::string>() + "` | " + (commands.empty() ? "all" : commands) + " | " + about + " |";
    CHECK_MESSAGE(has(page, row + "\n"), "docs/settings.md needs the line: " << row);
    rows.insert(row);
  }
  CHECK(rows.size() > 40);
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| `")) CHECK_MESSAGE(rows.contains(line), "docs/settings.md has a line too many: " << line);
  }
}

TEST_CASE("config get, set and unset change one line and keep the rest") {
  const Home home;
  CHECK(mang({"config", "path"}, home.how()).out == home.file() + "\n");
  CHECK(mang({"config", "set", "threads", "2"}, home.how()).code == 0);
  CHECK(read_file(home.file()) == "threads = 2\n");
  home.write("# mine\nthreads = 2 # two\n");
  CHECK(mang({"config", "set", "threads", "1"}, home.how()).code == 0);
  CHECK(mang({"config", "set", "run.stop", "a", "b c"}, home.how()).code == 0);
  CHECK(mang({"config", "set", "run.ignore_eos", "yes"}, home.how()).code == 0);
  CHECK(mang({"config", "set", "run.system", "Be \"brief\"."}, home.how()).code == 0);
  CHECK(read_file(home.file()) ==
        "# mine\nthreads = 1 # two\n\n[run]\nstop = [\"a\", \"b c\"]\nignore-eos = true\nsystem = \"Be "
        "\\\"brief\\\".\"\n");
  CHECK(mang({"config", "get", "threads"}, home.how()).out == "1\n");
  CHECK(mang({"config", "get", "run.threads"}, home.how()).out == "1\n");
  CHECK(mang({"config", "get", "run.stop"}, home.how()).out == "a\nb c\n");
  CHECK(mang({"config", "get", "stop"}, home.how()).code == 1);
  CHECK(has(mang({"config", "get", "kv"}, home.how()).err, "built in: f16"));
  CHECK(mang({"config", "unset", "run.system"}, home.how()).code == 0);
  CHECK(!has(read_file(home.file()), "system"));
  CHECK(has(mang({"config", "set", "threads", "4"}, home.how({"MANG_THREADS=3"})).err, "MANG_THREADS is stronger"));
  check_refused(mang({"config", "unset", "run.system"}, home.how()), 1, "not set");

  const std::string before = read_file(home.file());
  check_refused(mang({"config", "set", "threads", "many"}, home.how()), 2, "'threads' must be a whole number");
  check_refused(mang({"config", "set", "isa", "sse9"}, home.how()), 2, "one of");
  check_refused(mang({"config", "set", "verbose", "maybe"}, home.how()), 2, "true or false");
  check_refused(mang({"config", "set", "thread", "1"}, home.how()), 2, "Did you mean 'threads'?");
  check_refused(mang({"config", "set", "context", "1", "2"}, home.how()), 2, "one value");
  check_refused(mang({"config", "set", "threads"}, home.how()), 2, "missing");
  check_refused(mang({"config", "set", "run.prompt", "x"}, home.how()), 2, "no setting");
  check_refused(mang({"config", "get"}, home.how()), 2, "name is missing");
  check_refused(mang({"config", "dance"}, home.how()), 2, "ACTION");
  CHECK(read_file(home.file()) == before);
}

TEST_CASE("config set follows a link, keeps the file's mode and leaves nothing behind") {
  const Home home;
  std::filesystem::create_directories(home.dir.file(".config/mang"));
  const std::string real = home.dir.write("dotfiles.toml", "threads = 1\n");
  std::filesystem::permissions(real, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink(real, home.file());
  CHECK(mang({"config", "set", "threads", "2"}, home.how()).code == 0);
  CHECK(std::filesystem::is_symlink(home.file()));
  CHECK(read_file(real) == "threads = 2\n");
  CHECK((std::filesystem::status(real).permissions() & std::filesystem::perms::others_read) ==
        std::filesystem::perms::none);
  CHECK(std::distance(std::filesystem::directory_iterator(home.dir.file(".config/mang")), {}) == 1);
  check_refused(mang({"config", "set", "threads", "2"}, home.how({"MANG_CONFIG=/dev/null"})), 1, "no file");
  check_refused(mang({"config", "path"}, {.environment = {"HOME="}}), 1, "HOME");
}

}  // namespace
}  // namespace mang::test
