// Help pages that fit a terminal, and what is said of a command line that makes no sense.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace mang::cli {

// From here on the help of `app` and of commands added later is laid out for 80 columns.
void lay_out_help(CLI::App& app);

// The help of the command that was chosen, or of all.
std::string help_text(const CLI::App& app);

// A sentence about the mistake, with the nearest command or option that exists. `arguments`: as given, in order.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments);

}  // namespace mang::cli
