// The settings file: what is read, what is refused and where, and edits that leave the rest alone.
#include "cli/settings_file.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace mang::cli {
namespace {

using Kind = SettingsValue::Kind;

SettingsFile parsed(const std::string& text) {
  Result<SettingsFile> file = parse_settings(text, "f");
  CAPTURE(text);
  if (!file.ok()) FAIL(file.error().message);
  return *file;
}

std::string refusal(const std::string& text) {
  const Result<SettingsFile> file = parse_settings(text, "f");
  CAPTURE(text);
  REQUIRE(!file.ok());
  return file.error().message;
}

std::string only(const std::string& value) {
  const SettingsFile file = parsed("a = " + value + "\n");
  REQUIRE(file.entries.size() == 1);
  REQUIRE(file.entries[0].value.texts.size() == 1);
  return file.entries[0].value.texts[0];
}

TEST_CASE("values are what TOML says they are") {
  CHECK(only("4") == "4");
  CHECK(only("+1_000") == "1000");
  CHECK(only("-0.5e-3 # half") == "-0.5e-3");
  CHECK(only("true") == "true");
  CHECK(only(R"("a # b, \"c\" \\ \t\u00e9\U0001F38B")") == "a # b, \"c\" \\ \t\xc3\xa9\xf0\x9f\x8e\x8b");
  CHECK(only(R"('C:\new "x"')") == "C:\\new \"x\"");
  CHECK(only("\"\"") == "");
  CHECK(only("\"\"\"\nfirst\r\n \"\"two\"\"\"\"\"") == "first\n \"\"two\"\"");
  CHECK(only("'''\nit's \\n'''") == "it's \\n");
  const SettingsFile list = parsed("a = [\n  1, # one\n  \"two\",\n]\nb=[]");
  CHECK(list.entries[0].value.kind == Kind::list);
  CHECK(list.entries[0].value.texts == std::vector<std::string>{"1", "two"});
  CHECK(list.entries[1].value.texts.empty());
  CHECK(list.entries[1].line == 5);
}

TEST_CASE("sections, comments, line ends and both spellings of a key") {
  const SettingsFile file =
      parsed("\xEF\xBB\xBF# mine\r\n\r\nmax_tokens = 5\r\n[ run ] # here\r\n  top-k=3\r\n\ttop_p = 0.5\n");
  REQUIRE(file.entries.size() == 3);
  CHECK(file.entries[0].key == "max-tokens");
  CHECK(file.entries[0].line == 3);
  CHECK(file.find("run", "top-k")->line == 5);
  CHECK(file.find("run", "top-p")->value.texts[0] == "0.5");
  CHECK(file.find("", "top-p") == nullptr);
  CHECK(parsed("").entries.empty());
  CHECK(parsed("# nothing").entries.empty());
}

TEST_CASE("what is not understood is refused with its line") {
  struct Wrong {
    const char* text;
    const char* part;
  };
  for (const Wrong& each : std::vector<Wrong>{
           {"a = 1\nb = qwen3:4b\n", "f, line 2: 'qwen3:4b'"},
           {"\n\nthreads 4", "line 3: 'threads 4'"},
           {"a =\n", "line 1: there is no value"},
           {"a = # x\n", "no value"},
           {"a = 1 2", "'2'"},
           {"a = \"x\ny\"", "line 1: the text \"x has no closing quote"},
           {"a = 'x", "closing quote"},
           {"a = \"\"\"x\n\n", "line 1: the text that begins here"},
           {"a = [1,\n2\n", "line 1: the list that begins here"},
           {"a = [1 2]", "a ','"},
           {"a = [[1]]", "'[1]]'"},
           {"a = [true]", "texts or numbers"},
           {"a = \"\\d\"", "\\d"},
           {"a = \"\\ud800\"", "no such character"},
           {"a = \"\\u12\"", "no such escape"},
           {"a = \"x\x01\"", "control character 0x01"},
           {"a = 007", "'007'"},
           {"a = 1__0", "'1__0'"},
           {"a = 1.", "'1.'"},
           {"a = 1979-05-27", "'1979-05-27'"},
           {"a = {x = 1}", "'{x = 1}'"},
           {"a.b = 1", "'a.b = 1'"},
           {"= 1", "'= 1'"},
           {"[run", "[run"},
           {"[]", "name of a command"},
           {"[[run]]", "[[run]]"},
           {"[run] x", "'x'"},
           {"[run]\n[show]\n[run]\n", "line 3: [run] is there already, at line 1"},
           {"a-b = 1\n[run]\na-b = 1\n[x]\n", nullptr},
           {"a-b = 1\na_b = [1,\n2]\n", "line 2: 'a-b' is there already, at line 1"},
           {"a = \"\xff\"", "UTF-8"},
           {"\0x = 1", nullptr},
       }) {
    if (each.part == nullptr) {
      parsed(each.text);
      continue;
    }
    const std::string message = refusal(each.text);
    CAPTURE(message);
    CHECK(message.find(each.part) != std::string::npos);
  }
  CHECK(refusal(std::string("a = 1\0", 6)).find("UTF-8") != std::string::npos);
  CHECK(refusal(std::string(kMaxSettingsBytes + 1, '#')).find("at most") != std::string::npos);
  CHECK(refusal("a = " + std::string(500, 'x')).size() < 200);  // an excerpt, not all of it
}

TEST_CASE("a changed value leaves comments, order and other lines alone") {
  const std::string text =
      "# My settings\n"
      "\n"
      "threads = 4   # all but one\n"
      "\n"
      "# for talking\n"
      "[run]\n"
      "stop = [\n"
      "  \"a\",  # first\n"
      "]\n"
      "seed = 7\n";
  const auto set = [&](const char* section, const char* key, const SettingsValue& value) {
    const std::string after = with_setting(parsed(text), section, key, value);
    const SettingsFile file = parsed(after);
    REQUIRE(file.find(section, key) != nullptr);
    CHECK(file.find(section, key)->value.texts == value.texts);
    return after;
  };
  std::string expected = text;
  CHECK(set("", "threads", {Kind::number, {"8"}}) == expected.replace(expected.find("= 4") + 2, 1, "8"));
  expected = text;
  expected.insert(expected.find("\n# for talking"), "isa = \"avx2\"\n");
  CHECK(set("", "isa", {Kind::text, {"avx2"}}) == expected);
  CHECK(set("run", "raw", {Kind::boolean, {"true"}}) == text + "raw = true\n");
  CHECK(set("show", "json", {Kind::boolean, {"true"}}) == text + "\n[show]\njson = true\n");
  expected = text;
  expected.replace(expected.find("[\n  \"a\""), expected.find("]\nseed") + 1 - expected.find("[\n  \"a\""),
                   "[\"x\", \"y\\n\"]");
  CHECK(set("run", "stop", {Kind::list, {"x", "y\n"}}) == expected);
  // Into nothing, and into files without a line's end, with only comments, or with an empty section.
  CHECK(with_setting(parsed(""), "", "a", {Kind::number, {"1"}}) == "a = 1\n");
  CHECK(with_setting(parsed(""), "run", "a", {Kind::number, {"1"}}) == "[run]\na = 1\n");
  CHECK(with_setting(parsed("b = 2"), "", "a", {Kind::number, {"1"}}) == "b = 2\na = 1\n");
  CHECK(with_setting(parsed("b = 2"), "run", "a", {Kind::number, {"1"}}) == "b = 2\n\n[run]\na = 1\n");
  CHECK(with_setting(parsed("# x"), "", "a", {Kind::number, {"1"}}) == "# x\na = 1\n");
  CHECK(with_setting(parsed("# x\n\n# r\n[run]"), "", "a", {Kind::number, {"1"}}) == "# x\n\na = 1\n# r\n[run]");
  CHECK(with_setting(parsed("[run]"), "run", "a", {Kind::number, {"1"}}) == "[run]\na = 1\n");
  CHECK(with_setting(parsed("[run]\n[show]\n"), "run", "a", {Kind::number, {"1"}}) == "[run]\na = 1\n[show]\n");

  const SettingsFile file = parsed(text);
  CHECK(without_setting(file, *file.find("", "threads")) == "# My settings\n\n" + text.substr(text.find("\n# for")));
  CHECK(without_setting(file, *file.find("run", "stop")) ==
        text.substr(0, text.find("stop")) + text.substr(text.find("seed")));
}

TEST_CASE("edits of random files keep every other entry") {
  std::mt19937 random(7);
  const auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
  const std::vector<std::string> sections = {"", "run", "show", "bench"};
  const std::vector<std::string> keys = {"a", "b", "c", "d", "e"};
  const std::vector<std::string> texts = {"", "x", "#", "a\"b", "\\", "]", "[1]", "two\nlines", "\t", "măng", "= 1"};
  SettingsFile file = parsed("# top\n\n\n# about run\n[run] # run\n");
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string section = sections[pick(sections.size())], key = keys[pick(keys.size())];
    const SettingsEntry* old = file.find(section, key);
    std::string text;
    if (old != nullptr && pick(3) == 0) {
      text = without_setting(file, *old);
      expected.erase({section, key});
    } else {
      SettingsValue value{Kind::text, {texts[pick(texts.size())]}};
      if (pick(2) == 0) value = {Kind::list, {texts[pick(texts.size())], texts[pick(texts.size())]}};
      text = with_setting(file, section, key, value);
      expected[{section, key}] = value.texts;
    }
    file = parsed(text);
    CHECK(file.entries.size() == expected.size());
    for (const SettingsEntry& entry : file.entries) CHECK(expected[{entry.section, entry.key}] == entry.value.texts);
    CHECK(text.find("# about run\n[run] # run\n") != std::string::npos);
  }
}

TEST_CASE("broken files end in a sentence, never in a crash") {
  std::mt19937 random(11);
  const std::string good = "# c\na = [1, \"x\\u00e9\", 'y'] # z\n[run]\nb = \"\"\"q\n\"\"\"\nc = -1.5e3\nd=true\r\n";
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = good;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text.erase(at, 1 + random() % 5);
          break;
        case 1:
          text.insert(at, 1, "[]\"'=#\\\n\r,_-.\x01u"[random() % 16]);
          break;
        default:
          text[at] = static_cast<char>(random());
      }
      if (text.empty()) text = "a";
    }
    const Result<SettingsFile> file = parse_settings(text, "f");
    if (!file.ok()) {
      ++refused;
      CHECK(file.error().message.starts_with("f"));
    }
  }
  CHECK(refused > 5000);
}

}  // namespace
}  // namespace mang::cli
