// Man pages, made from the declarations of the commands.
#pragma once

#include <string>
#include <vector>

#include "cli/command_facts.h"

namespace mang::cli {

// mang(1). `program` is the parser's top; its commands follow in `commands`.
std::string manual_of_program(const CommandFacts& program, const std::vector<CommandFacts>& commands);

// mang-run(1) and so on.
std::string manual_of_command(const CommandFacts& command, const std::vector<CommandFacts>& commands);

}  // namespace mang::cli
