// Every sentence of the program has a translation that takes the same arguments, and no translation is left over.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/messages.h"

namespace mang::cli {
namespace {

namespace fs = std::filesystem;

const std::string kSource = std::string(MANG_SOURCE_DIR) + "/src";
const std::vector<std::string> kSpeakers = {"tr", "say", "fail", "Error", "error_at"};

std::string content_of(const fs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// A file without the lines that are comments: what is said in them is only an example.
std::string code_of(const fs::path& path) {
  std::istringstream in(content_of(path));
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos || line.compare(begin, 2, "//") != 0) out += line + "\n";
  }
  return out;
}

bool in_a_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

size_t after_space(const std::string& code, size_t at) {
  while (at < code.size() && std::isspace(static_cast<unsigned char>(code[at])) != 0) ++at;
  return at;
}

// The literals that stand one after the other at `at`, joined as the compiler joins them.
std::string literals_at(const std::string& code, size_t at) {
  std::string out;
  while (at < code.size() && code[at] == '"') {
    for (++at; at < code.size() && code[at] != '"'; ++at) {
      if (code[at] != '\\') {
        out += code[at];
        continue;
      }
      const char escaped = code[++at];
      out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
    }
    at = after_space(code, at + 1);
  }
  return out;
}

// What one source file says: the text of tr("…"), say("…"), fail("…") and Error{"…"}.
std::set<std::string> texts_in(const std::string& code) {
  std::set<std::string> out;
  for (const std::string& speaker : kSpeakers) {
    for (size_t at = code.find(speaker); at != std::string::npos; at = code.find(speaker, at + 1)) {
      const size_t end = at + speaker.size();
      if ((at > 0 && in_a_word(code[at - 1])) || end >= code.size() || (code[end] != '(' && code[end] != '{')) continue;
      const std::string text = literals_at(code, after_space(code, end + 1));
      if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c) != 0; })) out.insert(text);
    }
  }
  return out;
}

// A template's own errors are written as Jinja's documentation writes them, in English, by whoever wrote the template.
bool speaks_to_template_authors(const fs::path& path) { return path.string().find("/jinja/") != std::string::npos; }

// file → its code, of all that speaks to users.
std::map<std::string, std::string> all_code() {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(kSource)) {
    const std::string extension = entry.path().extension();
    if ((extension != ".h" && extension != ".cpp") || speaks_to_template_authors(entry.path())) continue;
    out.emplace(entry.path().string(), code_of(entry.path()));
  }
  return out;
}

// The sentences about models in the catalog, which is data.
void add_catalog_texts(const Json& json, std::map<std::string, std::string>& out) {
  for (const auto& [key, value] : json.items()) {
    if (value.is_structured()) add_catalog_texts(value, out);
    if ((key == "note" || key == "consent") && value.is_string()) out.emplace(value.get<std::string>(), "catalog.json");
  }
}

// text → a file that says it.
std::map<std::string, std::string> all_texts() {
  std::map<std::string, std::string> out;
  for (const auto& [file, code] : all_code()) {
    for (const std::string& text : texts_in(code)) out.emplace(text, file);
  }
  const Result<Json> catalog = parse_json(content_of(kSource + "/hub/catalog.json"), "catalog.json");
  REQUIRE(catalog.ok());
  add_catalog_texts(*catalog, out);
  return out;
}

// What stands first between the parentheses of calls of `speaker` and is no literal, which no test could find.
std::vector<std::string> unknown_texts_in(const std::string& code, const std::string& speaker) {
  std::vector<std::string> out;
  const std::string call = speaker + "(";
  for (size_t at = code.find(call); at != std::string::npos; at = code.find(call, at + 1)) {
    const size_t begin = after_space(code, at + call.size());
    if ((at > 0 && in_a_word(code[at - 1])) || begin >= code.size() || code[begin] == '"') continue;
    out.push_back(code.substr(begin, code.find_first_of(",)\n", begin) - begin));
  }
  return out;
}

struct Entry {
  std::string translation, file;
};

std::map<std::string, Entry> all_translations() {
  std::map<std::string, Entry> out;
  for (const auto& entry : fs::directory_iterator(kSource + "/cli/vi")) {
    if (entry.path().extension() != ".json") continue;
    const Result<Json> table = parse_json(content_of(entry.path()), entry.path().string());
    REQUIRE(table.ok());
    for (const auto& [english, translation] : table->items()) {
      const bool is_new = out.emplace(english, Entry{translation.get<std::string>(), entry.path().string()}).second;
      CHECK_MESSAGE(is_new, entry.path().string() << ": given twice: " << english);
    }
  }
  return out;
}

// The arguments a text takes: "0", "1:.2f" …, sorted, whatever their order in the sentence.
std::vector<std::string> arguments_of(const std::string& text) {
  std::vector<std::string> out;
  size_t next = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '{') continue;
    if (text[at + 1] == '{') {
      ++at;
      continue;
    }
    const size_t end = text.find('}', at);
    REQUIRE(end != std::string::npos);
    const std::string inside = text.substr(at + 1, end - at - 1);
    const std::string number = inside.substr(0, inside.find(':'));
    out.push_back((number.empty() ? std::to_string(next++) : number) + inside.substr(number.size()));
    at = end;
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string edges_of(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \n"), end = text.find_last_not_of(" \n");
  return begin == std::string::npos ? text : text.substr(0, begin) + "|" + text.substr(end + 1);
}

TEST_CASE("the translations take the arguments of the texts they translate, and keep their edges") {
  for (const auto& [english, entry] : all_translations()) {
    CHECK_MESSAGE(arguments_of(english) == arguments_of(entry.translation), entry.file << ": " << english);
    CHECK_MESSAGE(edges_of(english) == edges_of(entry.translation), entry.file << ": " << english);
    CHECK_MESSAGE(!entry.translation.empty(), entry.file << ": " << english);
  }
}

TEST_CASE("every text of the program has a translation, and no translation is of a text that is gone") {
  const auto texts = all_texts();
  const auto translations = all_translations();
  for (const auto& [text, file] : texts) CHECK_MESSAGE(translations.contains(text), file << " says: " << text);

  std::set<std::string> of_the_system;  // which errors pass on
  for (int number = 1; number < 200; ++number) of_the_system.insert(std::strerror(number));
  size_t known = 0;
  for (const auto& [text, entry] : translations) {
    known += of_the_system.contains(text) ? 1 : 0;
    const bool said = texts.contains(text) || fs::path(entry.file).filename() == "system.json";
    CHECK_MESSAGE(said, entry.file << ": no source says: " << text);
  }
  CHECK(known > 40);
}

TEST_CASE("what is said is a literal, so that its translation can be looked for") {
  // Where the speakers are declared, and the catalog's sentences, which are looked for in the catalog.
  const std::set<std::string> known = {"entry.note",
                                       "ref.entry->note",
                                       "entry.license.consent",
                                       "std::string_view english",
                                       "fmt::format_string<mang::detail::Formatted<const Args&>...> english",
                                       "fmt::format_string<detail::Formatted<const Args&>...> text"};
  for (const auto& [file, code] : all_code()) {
    for (const std::string speaker : {"tr", "say", "fail"}) {
      for (const std::string& text : unknown_texts_in(code, speaker)) {
        CHECK_MESSAGE(known.contains(text), file << ": " << speaker << "(" << text);
      }
    }
  }
  CHECK(unknown_texts_in("tr(name(x)); str(y); tr(\n \"z\"); a.tr(c ? \"d\" : e)", "tr") ==
        std::vector<std::string>{"name(x", "c ? \"d\" : e"});
}

TEST_CASE("the texts are found in code as it is written") {
  const auto found =
      texts_in("tr(\"one\"); say(\n  \"two {} \"\n \"and \\\"three\\\"\", x); entry(\"no\"); Error{\"four\"}; tr(x)");
  CHECK(found == std::set<std::string>{"one", "two {} and \"three\"", "four"});
  CHECK(all_texts().size() > 600);
}

TEST_CASE("a language is known by its locale's name") {
  CHECK(parse_language("vi_VN.UTF-8") == Language::vietnamese);
  CHECK(parse_language("VI") == Language::vietnamese);
  CHECK(parse_language("en_US") == Language::english);
  CHECK(parse_language("C.UTF-8") == Language::english);
  CHECK(!parse_language("fr_FR.UTF-8"));
}

TEST_CASE("an error is made anew from its translated parts") {
  const Error inner = fail("tensor '{}' has {:.1f} rows", "x{}", 2.0);
  const Error outer = fail("{}: {} of {} ({})", "file", inner, 7, Error{"a list"}).in("place");
  CHECK(outer.message == "place: file: tensor 'x{}' has 2.0 rows of 7 (a list)");
  const auto translation = [](std::string_view english) -> std::string_view {
    if (english == "tensor '{}' has {:.1f} rows") return "{1} hàng trong tensor '{0}'";
    if (english == "{}: {} of {} ({})") return "{0}: trong {2}, {1} [{3}]";
    if (english == "a list") return "một danh sách";
    if (english == "file") return "WRONG";  // a name, which nothing translates
    return english;
  };
  CHECK(translated(outer, translation) == "place: file: trong 7, 2.0 hàng trong tensor 'x{}' [một danh sách]");
  CHECK(translated(Error{"a list"}, translation) == "một danh sách");
}

}  // namespace
}  // namespace mang::cli
