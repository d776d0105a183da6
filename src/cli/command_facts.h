// What the declarations of the commands say, as plain values: man pages and completions are written from these, so that
// they tell what the parser does and nothing else.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mang::cli {

// What may stand for a value.
enum class ValueKind { none, other, choice, file, folder, model };

struct OptionFacts {
  std::vector<std::string> names;  // "-t", "--threads"; of a positional one: "MODEL"
  std::string value;               // "N", "FILE"; of a choice "a|b"; empty: a flag
  ValueKind kind = ValueKind::none;
  std::vector<std::string> choices;
  std::string help;
  std::string group;     // the heading it stands under
  std::string variable;  // of the environment; empty: none
  bool required = false;
  bool many = false;  // may be given several times
};

struct CommandFacts {
  std::string name;
  std::vector<std::string> aliases;
  std::string help;
  std::string footer;
  std::vector<OptionFacts> options;      // in the order they were declared
  std::vector<OptionFacts> positionals;  // so too
};

// Options and commands that help does not show are left out.
CommandFacts facts_of(const CLI::App& command);
std::vector<CommandFacts> facts_of_commands(const CLI::App& app);

// What stands for the value in help: its name alone, or the words it may be. Limits are said when they are missed.
std::string value_name(const CLI::Option& option);

}  // namespace mang::cli
