// Help pages that fit a terminal, and what is said of a command line that makes no sense.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace mang::cli {

// From here on the help of `app` and of commands added later is laid out for 80 columns.
void lay_out_help(CLI::App& app);

// The help of the command that was chosen, or of all.
std::string help_text(const CLI::App& app);

// What an option takes, in words: "true or false", "one of f32, f16, q8_0", "a whole number from 1 to 1024".
std::string expected_value(const CLI::Option& option);

// The nearest of `known`; nullopt: nothing is near. And " Did you mean '…'?", or nothing.
std::optional<std::string> nearest_name(const std::string& text, const std::vector<std::string>& known);
std::string suggestion(const std::optional<std::string>& name);

// A sentence about the mistake, with the nearest command or option that exists. `arguments`: as given, in order.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments);

}  // namespace mang::cli
