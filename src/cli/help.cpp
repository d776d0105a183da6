#include "cli/help.h"

#include <algorithm>
#include <optional>

#include "cli/messages.h"
#include "cli/page.h"
#include "hub/catalog.h"

namespace mang::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kNames = 30;  // columns of the names; descriptions begin after them
constexpr size_t kCommands = 14;

// What stands for the value in help: its name alone, or the words it may be. Limits are said when they are missed.
std::string value_name(const CLI::Option& option) {
  if (option.get_type_size() == 0) return "";
  std::string name = option.get_type_name();
  const size_t colon = name.find(':');
  if (colon == std::string::npos) return name;
  if (name.compare(colon, 2, ":{") != 0) return name.substr(0, colon);
  name = name.substr(colon + 2, name.size() - colon - 3);
  std::replace(name.begin(), name.end(), ',', '|');
  return name;
}

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

// The value that an option does not take, said with what it takes; nullopt: the error is about something else.
std::optional<std::string> about_value(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ValidationError*>(&error) == nullptr &&
      dynamic_cast<const CLI::ConversionError*>(&error) == nullptr) {
    return std::nullopt;
  }
  const std::string message = error.what();
  for (const CLI::App* owner : {&command, &app}) {
    for (const CLI::Option* option : owner->get_options()) {
      const std::string name = option->get_name();
      if (name.empty() || option->results().empty()) continue;
      if (!message.starts_with(name + ":") && !message.starts_with("Could not convert: " + name + " =")) continue;
      return say("{} must be {}, not '{}'.", name, expected_value(*option), option->results().front());
    }
  }
  return std::nullopt;
}

// What is missing, or is one too many.
std::optional<std::string> about_presence(const CLI::ParseError& error) {
  const std::string message = error.what();
  const auto before = [&](std::string_view part) { return message.substr(0, message.find(part)); };
  if (const size_t at = message.find(" excludes ");
      at != std::string::npos && dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    return say("{} and {} exclude each other.", message.substr(0, at), message.substr(at + 10));
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && message.ends_with(" is required")) {
    return say("{} is missing.", before(" is required"));
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) return std::nullopt;
  if (message.find(": At Most 1 required") != std::string::npos)
    return say("{} is given more than once.", before(": "));
  if (message.ends_with(" missing")) return say("{} needs a value behind it.", before(": "));
  return std::nullopt;
}

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
    return say("there is no option '{}'.{}", name, suggestion(nearest_name(name, known)));
  }
  if (&command != &app) return say("'{}' is one argument too many.", argument);
  std::vector<std::string> known;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(each->get_name());
  return say("there is no command '{}'.{}", argument, suggestion(nearest_name(argument, known)));
}

}  // namespace

std::optional<std::string> nearest_name(const std::string& text, const std::vector<std::string>& known) {
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

std::string expected_value(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return tr("true or false");
  const std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  const std::string rule = colon == std::string::npos ? "" : type.substr(colon + 1);
  if (rule.starts_with("{") && rule.ends_with("}")) {
    std::string words;
    for (const char c : rule.substr(1, rule.size() - 2)) words += c == ',' ? std::string(", ") : std::string(1, c);
    return say("one of {}", words);
  }
  const size_t from = rule.find(" in ["), to = rule.find(" - "), end = rule.find(']');
  if (from == std::string::npos || to == std::string::npos || end == std::string::npos) return tr("a number");
  const std::string least = rule.substr(from + 5, to - from - 5), most = rule.substr(to + 3, end - to - 3);
  const bool whole = rule.starts_with("INT") || rule.starts_with("UINT");
  // A limit of a thousand million and more is there to keep arithmetic whole and says nothing to people.
  if (most.size() > 9) return whole ? say("a whole number from {} on", least) : say("a number from {} on", least);
  return whole ? say("a whole number from {} to {}", least, most) : say("a number from {} to {}", least, most);
}

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
  if (const auto text = about_value(app, command, error)) return *text;
  if (const auto text = about_presence(error)) return *text;
  if (!message.ends_with(".")) message += '.';
  return message;
}

}  // namespace mang::cli
