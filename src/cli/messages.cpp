#include "cli/messages.h"

#include <algorithm>
#include <span>
#include <unordered_map>

#include "base/ascii.h"
#include "base/json.h"
#include "cli/vietnamese.h"

namespace mang::cli {
namespace {

using Table = std::unordered_map<std::string, std::string>;

Table read_tables(std::span<const std::string_view> texts) {
  Table table;
  for (const std::string_view text : texts) {
    const Result<Json> json = parse_json(text, "vi");
    MANG_CHECK(json.ok() && json->is_object());  // the texts are ours, and a test reads them
    for (const auto& [english, translation] : json->items()) table.emplace(english, translation.get<std::string>());
  }
  return table;
}

const Table& vietnamese() {
  static const Table table = read_tables(kVietnamese);
  return table;
}

// One for the process, like the C library's locale: a language that travelled as an argument would have to reach every
// line that speaks.
Language& current() {
  static Language language = Language::english;
  return language;
}

}  // namespace

std::optional<Language> parse_language(std::string_view name) {
  const std::string tag = ascii_lower(name.substr(0, name.find_first_of("_-.@")));
  if (tag == "vi" || tag == "vietnamese") return Language::vietnamese;
  if (tag == "en" || tag == "english" || tag == "c" || tag == "posix") return Language::english;
  return std::nullopt;
}

void set_language(Language language) { current() = language; }
Language language() { return current(); }

std::string_view translate(std::string_view english) {
  if (current() == Language::english) return english;
  const auto found = vietnamese().find(std::string(english));
  return found == vietnamese().end() ? english : std::string_view(found->second);
}

std::string message_of(const Error& error) {
  return current() == Language::english ? error.message : translated(error, translate);
}

}  // namespace mang::cli
