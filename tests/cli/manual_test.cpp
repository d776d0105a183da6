// Man pages and completions: each command and option that --help shows is in them, and the shells and roff take them.
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>

#include "cli/subprocess.h"

namespace mang::test {
namespace {

// The commands of `mang --help`: its section of that name, an entry a line of two columns.
std::vector<std::string> commands() {
  std::istringstream lines(mang({"--help"}).out);
  std::vector<std::string> out;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Commands:"))
      inside = true;
    else if (!line.starts_with("  "))
      inside = false;
    else if (inside && line[2] != ' ')
      out.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return out;
}

// The long options of a help page.
std::set<std::string> options(const std::string& help) {
  const std::regex option("^  .*?(--[a-z][a-z0-9-]*)");
  std::set<std::string> out;
  std::istringstream lines(help);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  -") && !line.starts_with("      --")) continue;
    if (std::regex_search(line, match, option)) out.insert(match[1]);
  }
  return out;
}

std::string unescaped(std::string roff) {
  for (size_t at; (at = roff.find("\\-")) != std::string::npos;) roff.erase(at, 1);
  return roff;
}

// Runs a shell command; what it writes, and its exit code.
Ran shell(const std::string& script) {
  Ran ran;
  FILE* pipe = ::popen(("{ " + script + "\n} 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.out.append(buffer, n);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return ran;
}

TEST_CASE("every command and option has its place in the man pages and completions") {
  const std::vector<std::string> names = commands();
  REQUIRE(names.size() >= 13);
  const std::string program = mang({"manual"}).out, pages = mang({"manual", "--list"}).out;
  const std::string bash = mang({"completion", "bash"}).out, zsh = mang({"completion", "zsh"}).out,
                    fish = mang({"completion", "fish"}).out;
  size_t seen = 0;
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(has(pages, "mang-" + name + "\n"));
    CHECK(has(unescaped(program), "mang-" + name));
    CHECK(has(zsh, "'" + name + ":"));
    CHECK(has(fish, "-a '" + name + "'"));
    const std::string page = unescaped(mang({"manual", name}).out);
    CHECK(has(page, ".TH \"MANG-"));
    for (const std::string& option : options(mang({name, "--help"}).out)) {
      CAPTURE(option);
      ++seen;
      CHECK(has(page, "\\fB" + option + "\\fR"));
      CHECK(has(bash, option));
      CHECK(has(zsh, option));
      CHECK(has(fish, " -l " + option.substr(2)));
    }
  }
  CHECK(seen > 80);
}

TEST_CASE("hidden commands have no page, and an unknown one is refused") {
  CHECK(!has(mang({"manual", "--list"}).out, "manual"));
  CHECK(!has(mang({"--help"}).out, "manual"));
  check_refused(mang({"manual", "dance"}), 2, "there is no command 'dance'");
  check_refused(mang({"completion", "tcsh"}), 2, "SHELL");
}

TEST_CASE("man pages pass mandoc's and groff's checks") {
  TempDir dir;
  std::istringstream pages(mang({"manual", "--list"}).out);
  std::string files;
  for (std::string page; std::getline(pages, page);) {
    files += " " + dir.write(page + ".1", mang({"manual", page}).out);
  }
  const Ran mandoc = shell("mandoc -T lint -W warning" + files);
  CHECK(mandoc.out.empty());
  CHECK(mandoc.code == 0);
  const Ran groff = shell("for page in" + files + "; do groff -man -Kutf8 -Tutf8 -ww -z \"$page\" || exit 1; done");
  CHECK(groff.out.empty());
  CHECK(groff.code == 0);
  const Ran text = shell("mandoc -T utf8" + dir.file("").insert(0, " ") + "mang-run.1 | sed \"s/.\\x08//g\"");
  CHECK(has(text.out, "--max-tokens"));
  CHECK(has(text.out, "git diff | mang run -p \"review this\""));
}

TEST_CASE("the shells read their completions") {
  TempDir dir;
  for (const std::string name : {"bash", "zsh", "fish"}) {
    CAPTURE(name);
    const std::string script = dir.write(name, mang({"completion", name}).out);
    const Ran ran = shell(name + " -n " + script);
    CHECK(ran.out.empty());
    CHECK(ran.code == 0);
  }
}

// What bash offers for a line whose words, as readline breaks them, end with `word`.
std::string bash_offers(const std::string& script, const std::string& line) {
  return shell("PATH=\"" + std::string(MANG_BINARY).substr(0, std::string(MANG_BINARY).rfind('/')) + ":$PATH\" HOME=" +
               home().path() + " XDG_CACHE_HOME=" + home().file("cache") + " bash -c 'source " + script +
               "; COMP_LINE=\"" + line + "\"; COMP_POINT=${#COMP_LINE}; _mang; printf \"%s\\n\" \"${COMPREPLY[@]}\"'")
      .out;
}

TEST_CASE("bash offers commands, options, values, files and models where each belongs") {
  TempDir dir;
  const std::string script = dir.write("mang.bash", mang({"completion", "bash"}).out);
  CHECK(bash_offers(script, "mang pu") == "pull\n");
  CHECK(bash_offers(script, "mang --ver") == "--version\n");
  CHECK(bash_offers(script, "mang run --max-t") == "--max-tokens\n");
  CHECK(bash_offers(script, "mang run --kv ") == "f32\nf16\nq8_0\n");
  CHECK(bash_offers(script, "mang run --kv=q") == "q8_0\n");
  CHECK(bash_offers(script, "mang run --kv f16 --isa avx2") == "avx2\n");
  CHECK(bash_offers(script, "mang run --threads ") == "\n");
  CHECK(bash_offers(script, "mang help lo") == "logits\n");
  CHECK(bash_offers(script, "mang run smol").starts_with("smollm2:135m\n"));
  CHECK(bash_offers(script, "mang run smollm2:13") == "135m\n");
  dir.write("an answer.json", "[]");
  CHECK(bash_offers(script, "mang template x --messages " + dir.file("an")) == dir.file("an answer.json") + "\n");
}

TEST_CASE("fish offers what bash does") {
  TempDir dir;
  const std::string script = dir.write("mang.fish", mang({"completion", "fish"}).out);
  const std::string folder = std::string(MANG_BINARY).substr(0, std::string(MANG_BINARY).rfind('/'));
  const auto offers = [&](const std::string& line) {
    return shell("PATH=" + folder + ":$PATH HOME=" + home().path() + " XDG_CACHE_HOME=" + home().file("cache") +
                 " fish --no-config -c 'source " + script + "; complete -C \"" + line + "\"'")
        .out;
  };
  CHECK(has(offers("mang pu"), "pull\t"));
  CHECK(has(offers("mang run --max-t"), "--max-tokens\t"));
  const std::string values = offers("mang run --kv ");
  CHECK(has(values, "f32\t"));
  CHECK(has(values, "q8_0\t"));
  CHECK(has(offers("mang run smol"), "smollm2:135m"));
}

}  // namespace
}  // namespace mang::test
