#include "cli/help.h"

#include <algorithm>
#include <optional>

#include "cli/command_facts.h"
#include "cli/messages.h"
#include "cli/page.h"
#include "hub/catalog.h"

namespace mang::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kNames = 30;  // columns of the names; descriptions begin after them
constexpr size_t kCommands = 14;

std::string option_names(const CLI::Option& option) {
  std::string out;
  for (const std::string& name : option.get_snames()) out += (out.empty() ? "-" : ", -") + name;
  const std::string indent = out.empty() ? "    " : "";
  for (const std::string& name : option.get_lnames()) out += (out.empty() ? "--" : ", --") + name;
  return indent + out;
}

// A name, and its description beside it, or below where the name is long.
std::string entry(const std::string& name, const std::string& description, size_t column) {
  std::string out = "  " + name;
  if (out.size() + 2 > column) {
    out += "\n" + std::string(column, ' ');
  } else {
    out += std::string(column - out.size(), ' ');
  }
  return out + wrapped(description, column, kWidth) + "\n";
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override {
    if (positional) return entry(option->get_name(true), option->get_description(), kNames);
    const std::string value = value_name(*option);
    const std::string required = option->get_required() ? tr(" (required)") : "";
    return entry(option_names(*option) + (value.empty() ? "" : " " + value), option->get_description() + required,
                 kNames);
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return entry(command->get_name(), command->get_description(), kCommands);
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string out = say("Usage: {}", name);
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    if (!commands.empty()) return out + tr(" COMMAND …") + "\n";
    out += tr(" [OPTIONS]");
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_positional() || option->get_group().empty()) continue;
      const std::string value = option->get_name(true) + (option->get_expected_max() > 1 ? " …" : "");
      out += option->get_required() ? " " + value : " [" + value + "]";
    }
    return out + "\n";
  }
};

// The nearest of `known`; nullopt: nothing is near.
std::optional<std::string> nearest(const std::string& text, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  size_t least = 2 + text.size() / 4;  // further away it is another word
  for (const std::string& each : known) {
    const size_t distance = each.starts_with(text) ? 1 : edit_distance(text, each);
    if (distance >= least) continue;
    least = distance;
    best = each;
  }
  return best;
}

std::string suggestion(const std::optional<std::string>& name) { return name ? say(" Did you mean '{}'?", *name) : ""; }

// The first argument that nothing took.
std::string first_unexpected(const CLI::App& command, const std::vector<std::string>& arguments) {
  const std::vector<std::string> left = command.remaining(true);
  for (const std::string& each : arguments) {
    if (std::find(left.begin(), left.end(), each) != left.end()) return each;
  }
  return left.empty() ? "" : left.front();
}

std::string about_unexpected(const CLI::App& app, const CLI::App& command, const std::string& argument) {
  if (argument.starts_with("-")) {
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    const std::string name = argument.substr(0, argument.find('='));
    return say("there is no option '{}'.{}", name, suggestion(nearest(name, known)));
  }
  if (&command != &app) return say("'{}' is one argument too many.", argument);
  std::vector<std::string> known;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(each->get_name());
  return say("there is no command '{}'.{}", argument, suggestion(nearest(argument, known)));
}

}  // namespace

void lay_out_help(CLI::App& app) { app.formatter(std::make_shared<HelpFormatter>()); }

std::string help_text(const CLI::App& app) {
  std::string text = app.help();
  for (size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string usage_problem(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    return about_unexpected(app, command, first_unexpected(command, arguments));
  }
  std::string message = error.what();
  if (const size_t at = message.find(": At Most 1 required"); at != std::string::npos) {
    return say("{} is given more than once.", message.substr(0, at));
  }
  if (!message.ends_with(".")) message += '.';
  return message;
}

}  // namespace mang::cli
