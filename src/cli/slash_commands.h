// The commands of a conversation: lines that begin with a slash.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang::cli {

enum class Slash { set, show, model, save, load, clear, retry, copy, receipt, help, bye };

struct SlashCommand {
  Slash kind;
  std::string name;      // "/set"
  std::string argument;  // "[NAME VALUE]"; empty: it takes none
  std::string what;      // what it does, in the user's language
};

// All of them, in the order in which they are explained.
std::vector<SlashCommand> slash_commands();

struct SlashLine {
  Slash kind;
  std::string argument;  // without the white space around it
};

// What a line asks for; nullopt: it is a message, also when it begins with a path such as /etc/hosts. An error: a
// command was meant that there is not, or one got an argument that takes none.
Result<std::optional<SlashLine>> parse_slash(std::string_view line);

// The commands with what they do, and the keys, for /help. width: of the terminal.
std::string slash_help(size_t width);

// What the beginning of a line could go on as: whole command names, each with a space where an argument follows.
std::vector<std::string> slash_completions(std::string_view line);

}  // namespace mang::cli
