// mang replay, in a header of its own: cli/commands.h is compiled into every command.
#pragma once

#include "cli/commands.h"

namespace mang::cli {

void add_replay(CLI::App& app, Action& action);

}  // namespace mang::cli
