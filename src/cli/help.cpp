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
  const size_t used = columns(out);
  out += used + 2 > column ? "\n" + std::string(column, ' ') : std::string(column - used, ' ');
  return out + wrapped(description, column, kWidth) + "\n";
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_group(std::string group, bool positional, std::vector<const CLI::Option*> options) const override {
    if (positional) group = tr("Arguments");
    if (group == "Options") group = tr("Options");  // CLI11's name of the group without a name
    return CLI::Formatter::make_group(group, positional, std::move(options));
  }
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

// The parts of `message` that stand where `form` has '*'; nullopt: it is of another form.
std::optional<std::vector<std::string>> parts_of(std::string_view message, std::string_view form) {
  std::vector<std::string> out;
  while (true) {
    const size_t star = form.find('*');
    if (!message.starts_with(form.substr(0, star))) return std::nullopt;
    if (star == form.npos) return message == form ? std::optional(out) : std::nullopt;
    message.remove_prefix(star);
    form.remove_prefix(star + 1);
    const std::string_view next = form.substr(0, form.find('*'));
    const size_t end = next.empty() ? message.size() : message.find(next);
    if (end == message.npos) return std::nullopt;
    out.emplace_back(message.substr(0, end));
    message.remove_prefix(end);
  }
}

// What CLI11 says in its own words, in ours.
std::string in_our_words(const std::string& message) {
  if (const auto p = parts_of(message, "*: Value * not in range * to *")) {
    return say("{} is {}; it must be from {} to {}.", (*p)[0], (*p)[1], (*p)[2], (*p)[3]);
  }
  if (const auto p = parts_of(message, "*: * not in {*}")) {
    std::string words = (*p)[2];
    for (size_t at = 0; (at = words.find(',', at)) != std::string::npos; at += 2) words.insert(at + 1, " ");
    return say("{} is '{}'; it must be one of {}.", (*p)[0], (*p)[1], words);
  }
  if (const auto p = parts_of(message, "Could not convert: * = *")) {
    return say("{}: '{}' is not a number it can take.", (*p)[0], (*p)[1]);
  }
  if (const auto p = parts_of(message, "* is required")) return say("{} is missing.", (*p)[0]);
  if (const auto p = parts_of(message, "*: * required * missing")) return say("{} needs a value.", (*p)[0]);
  if (const auto p = parts_of(message, "*: At least * required but received *")) {
    return say("{} needs a value.", (*p)[0]);
  }
  if (const auto p = parts_of(message, "*: At Most 1 required but received *")) {
    return say("{} is given more than once.", (*p)[0]);
  }
  if (const auto p = parts_of(message, "* was given a disallowed flag override")) {
    return say("{} takes no value.", (*p)[0]);
  }
  if (const auto p = parts_of(message, "* requires *")) return say("{} needs {} beside it.", (*p)[0], (*p)[1]);
  if (const auto p = parts_of(message, "* excludes *")) {
    return say("{} and {} exclude each other.", (*p)[0], (*p)[1]);
  }
  return message.ends_with(".") ? message : message + ".";
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

void lay_out_help(CLI::App& app) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", tr("Show this help"));
}

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
  if (const auto text = about_value(app, command, error)) return *text;
  return in_our_words(error.what());
}

}  // namespace mang::cli
