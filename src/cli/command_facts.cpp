#include "cli/command_facts.h"

#include <algorithm>

namespace mang::cli {
namespace {

// The type name that CLI11 makes of a value and its checks: "TEXT:{a,b}". Empty: it is not one of fixed words.
std::string words_of(const std::string& type_name) {
  const size_t at = type_name.find(":{");
  if (at == std::string::npos || !type_name.ends_with('}')) return "";
  return type_name.substr(at + 2, type_name.size() - at - 3);
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  for (size_t from = 0; from <= text.size();) {
    const size_t to = std::min(text.find(at, from), text.size());
    if (to > from) out.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

ValueKind kind_of(const OptionFacts& option) {
  if (option.value.empty()) return ValueKind::none;
  if (!option.choices.empty()) return ValueKind::choice;
  if (option.value.starts_with("MODEL")) return ValueKind::model;
  if (option.value.starts_with("FILE")) return ValueKind::file;
  if (option.value.starts_with("FOLDER") || option.value.starts_with("DIR")) return ValueKind::folder;
  return ValueKind::other;
}

// An option that may also stand without its name is asked for twice: as one, and as a positional.
OptionFacts facts_of(const CLI::Option& option, bool positional) {
  OptionFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  facts.value = value_name(option);
  if (positional) facts.names = {facts.value = option.get_name(true)};
  facts.choices = split(words_of(option.get_type_name()), ',');
  facts.kind = kind_of(facts);
  facts.help = option.get_description();
  facts.group = option.get_group();
  facts.variable = option.get_envname();
  facts.required = option.get_required();
  facts.many = option.get_items_expected_max() > 1;
  return facts;
}

}  // namespace

std::string value_name(const CLI::Option& option) {
  if (option.get_type_size() == 0) return "";
  std::string name = option.get_type_name();
  std::string words = words_of(name);
  if (words.empty()) return name.substr(0, name.find(':'));
  std::replace(words.begin(), words.end(), ',', '|');
  return words;
}

CommandFacts facts_of(const CLI::App& command) {
  CommandFacts facts;
  facts.name = command.get_name();
  facts.aliases = command.get_aliases();
  facts.help = command.get_description();
  facts.footer = command.get_footer();
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) facts.positionals.push_back(facts_of(*option, true));
    if (option->nonpositional()) facts.options.push_back(facts_of(*option, false));
  }
  return facts;
}

std::vector<CommandFacts> facts_of_commands(const CLI::App& app) {
  std::vector<CommandFacts> out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    out.push_back(facts_of(*command));
  }
  return out;
}

}  // namespace mang::cli
