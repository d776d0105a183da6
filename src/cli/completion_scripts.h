// What completes a command line in bash, zsh and fish, made from the declarations of the commands.
#pragma once

#include <string>
#include <vector>

#include "cli/command_facts.h"

namespace mang::cli {

// `program` is the parser's top; its commands follow in `commands`.
std::string bash_completion(const CommandFacts& program, const std::vector<CommandFacts>& commands);
std::string zsh_completion(const CommandFacts& program, const std::vector<CommandFacts>& commands);
std::string fish_completion(const CommandFacts& program, const std::vector<CommandFacts>& commands);

}  // namespace mang::cli
