#include "cli/settings.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <map>

#include "base/ascii.h"
#include "base/mapped_file.h"
#include "cli/help.h"
#include "cli/messages.h"

namespace mang::cli {
namespace {

using Kind = SettingsValue::Kind;
using From = Setting::From;

// Options that belong to one call and are no settings; an empty command means any. They show something and end, or they
// are what is asked this time, or the files one call reads and writes.
struct OneCallOption {
  std::string_view command, key;
};
constexpr OneCallOption kOneCallOptions[] = {
    {"", "help"},           {"", "accept-license"},   {"", "version"},          {"run", "prompt"},
    {"perplexity", "file"}, {"logits", "ids"},        {"logits", "output"},     {"template", "messages"},
    {"template", "tools"},  {"show", "metadata"},     {"show", "template"},     {"pull", "sha256"},
    {"run", "resume"},      {"manual", "list"},       {"bench", "turns"},       {"bench", "ops"},
    {"run", "receipt"},     {"bench", "determinism"}, {"bench", "speculation"},
};

// Words that mean something else in this command than in others, or decide what it measures: a value meant for all
// commands would change them unseen.
constexpr OneCallOption kOwnOptions[] = {{"perplexity", "context"}, {"bench", "output"}};

template <size_t n>
bool listed(const OneCallOption (&list)[n], std::string_view command, std::string_view key) {
  return std::any_of(std::begin(list), std::end(list), [&](const OneCallOption& each) {
    return each.key == key && (each.command.empty() || each.command == command);
  });
}

// Variables of the program that are no options.
constexpr std::string_view kOtherVariables[] = {"MANG_CATALOG", "MANG_CONFIG", "MANG_PYTHON"};

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }
bool is_list(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

std::optional<bool> boolean_word(std::string text) {
  text = ascii_lower(text);
  for (const char* yes : {"1", "true", "yes", "on"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "false", "no", "off"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

SettingsValue boolean(bool value) { return {Kind::boolean, {value ? "true" : "false"}}; }

// A value as a sentence shows it.
std::string shown_value(const SettingsValue& value) {
  constexpr size_t kLongest = 60;
  if (value.kind == Kind::list) return tr("a list");
  std::string text = value.texts.front();
  if (text.size() > kLongest) {
    size_t end = kLongest;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end) + "…";
  }
  return "'" + text + "'";
}

// The command line has it, and not to switch it off (--raw=false).
bool is_given(const CLI::Option& option) {
  return option.count() > 0 && !(is_flag(option) && boolean_word(option.results().back()) == false);
}

std::vector<SettableOption> options_of(CLI::App& app, const std::string& command) {
  std::vector<SettableOption> out;
  for (CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_lnames().empty()) continue;
    const std::string& key = option->get_lnames().front();
    if (key == "lang" && !command.empty()) continue;  // of the program, though it may stand behind a command
    if (listed(kOneCallOptions, command, key)) continue;
    out.push_back({command, key, option, listed(kOwnOptions, command, key)});
  }
  return out;
}

// The settings file's text; none where there is no such file and nobody named it.
// `unreadable` gets what the system says of a file that is there and cannot be read.
Result<std::string> file_text(const std::string& path, const std::string& shown, bool named,
                              std::optional<Error>& unreadable) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    if (missing && !named) return std::string();
    Error error{say("{}: the settings file could not be read: {}.", shown, system_error(errno))};
    if (missing) return error;
    unreadable = std::move(error);
    return std::string();
  }
  if (S_ISCHR(info.st_mode)) return std::string();  // /dev/null: no settings
  if (!S_ISREG(info.st_mode)) return Error{say("{}: the settings are in a file, and this is none.", shown)};
  if (static_cast<uint64_t>(info.st_size) > kMaxSettingsBytes) {
    return Error{
        say("{}: a settings file is at most {} bytes long; this one has {}.", shown, kMaxSettingsBytes, info.st_size)};
  }
  Result<std::string> text = read_text_file(path, kMaxSettingsBytes);
  if (text.ok()) return text;
  unreadable = Error{say("{}: the settings file could not be read: {}.", shown, text.error())};
  return std::string();
}

std::string settings_path(const Environment& environment) {
  if (auto path = environment.get("MANG_CONFIG")) return *path;
  if (auto folder = environment.get("XDG_CONFIG_HOME"); folder && folder->front() == '/') {
    return *folder + "/mang/config.toml";
  }
  if (auto home = environment.get("HOME")) return *home + "/.config/mang/config.toml";
  return "";
}

// What is wrong with a key of the file; empty: nothing.
std::string complaint(const SettingsEntry& entry, const std::vector<SettableOption>& options) {
  std::vector<std::string> known;
  std::string elsewhere;  // a command that has it
  for (const SettableOption& option : options) {
    const bool here = entry.section.empty() ? !option.own : option.command == entry.section;
    if (here && option.key == entry.key) return "";
    if (here) known.push_back(option.key);
    if (option.key == entry.key) elsewhere = option.command;
  }
  if (listed(kOneCallOptions, entry.section, entry.key) && !entry.section.empty()) {
    return say("'{}' belongs to one call and is no setting.", entry.key);
  }
  if (entry.section.empty() && !elsewhere.empty()) {
    return say("'{}' is set for one command. Write it under [{}].", entry.key, elsewhere);
  }
  if (!elsewhere.empty()) return say("'{}' is no setting of '{}', but of '{}'.", entry.key, entry.section, elsewhere);
  const auto near = nearest_name(entry.key, known);
  if (near) return say("there is no setting '{}'. Did you mean '{}'?", entry.key, *near);
  return say("there is no setting '{}'. 'mang config' shows all.", entry.key);
}

}  // namespace

std::vector<SettableOption> settable_options(CLI::App& app) {
  std::vector<SettableOption> out = options_of(app, "");
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    for (SettableOption& option : options_of(*command, command->get_name())) out.push_back(std::move(option));
  }
  return out;
}

std::string variable_name(std::string_view command, std::string_view key) {
  std::string out = "MANG_";
  if (!command.empty()) out += std::string(command) + "_";
  out += key;
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

Result<Settings> Settings::read(const Environment& environment) {
  Settings out;
  out.environment_ = environment;
  out.path_ = out.shown_path_ = settings_path(environment);
  if (out.path_.empty()) return out;
  const std::string home = environment.get("HOME").value_or("");
  if (!home.empty() && out.path_.starts_with(home + "/")) out.shown_path_ = "~" + out.path_.substr(home.size());
  MANG_TRY(std::string text,
           file_text(out.path_, out.shown_path_, environment.get("MANG_CONFIG").has_value(), out.unreadable_));
  MANG_TRY(out.file_, parse_settings(std::move(text), out.shown_path_));
  return out;
}

Result<std::optional<Setting>> Settings::find(const SettableOption& option) const {
  Setting out{option.command, option.key, {}, From::flag, "", 0};
  auto from_variable = [&](const std::string& command, From from) -> Result<bool> {
    out.variable = variable_name(command, option.key);
    const auto text = environment_.get(out.variable);
    if (!text) return false;
    out.from = from;
    out.value = {Kind::text, {*text}};
    if (is_flag(*option.option)) {
      const auto word = boolean_word(*text);
      if (!word) return Error{say("{}: must be true or false, not {}.", out.variable, shown_value(out.value))};
      out.value = boolean(*word);
    } else if (is_list(*option.option) && text->front() == '[') {
      Result<SettingsValue> list = parse_settings_value(*text);
      if (!list.ok()) return list.error().in(out.variable);
      out.value = std::move(*list);
    }
    return true;
  };
  auto from_file = [&](const std::string& section, From from) {
    const SettingsEntry* entry = file_.find(section, option.key);
    if (entry == nullptr) return false;
    out.variable.clear();
    out.from = from;
    out.value = entry->value;
    out.line = entry->line;
    return true;
  };
  const bool shared = !option.own || option.command.empty();
  if (!option.command.empty()) {
    MANG_TRY(bool found, from_variable(option.command, From::command_variable));
    if (found) return std::optional(out);
  }
  if (shared) {
    MANG_TRY(bool found, from_variable("", From::variable));
    if (found) return std::optional(out);
  }
  if (!option.command.empty() && from_file(option.command, From::section)) return std::optional(out);
  if (shared && from_file("", From::file)) return std::optional(out);
  return std::optional<Setting>();
}

std::optional<std::string> Settings::early(std::string_view key) const {
  if (auto text = environment_.get(variable_name("", key))) return text;
  const SettingsEntry* entry = file_.find("", key);
  if (entry == nullptr || entry->value.kind != Kind::text) return std::nullopt;
  return entry->value.texts.front();
}

Result<void> Settings::check(CLI::App& app, const Warn& warn) const {
  const std::vector<SettableOption> options = settable_options(app);
  std::vector<std::string> commands, variables;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
  }
  for (const SettingsSection& section : file_.sections) {
    if (std::find(commands.begin(), commands.end(), section.name) != commands.end()) continue;
    return Error{say("{}, line {}: there is no command '{}'.{}", shown_path_, section.line, section.name,
                     suggestion(nearest_name(section.name, commands)))};
  }
  for (const SettingsEntry& entry : file_.entries) {
    const std::string wrong = complaint(entry, options);
    if (!wrong.empty()) return Error{say("{}, line {}: {}", shown_path_, entry.line, wrong)};
  }

  for (const SettableOption& option : options) {
    if (!option.command.empty()) variables.push_back(variable_name(option.command, option.key));
    if (!option.own) variables.push_back(variable_name("", option.key));
  }
  variables.insert(variables.end(), std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const std::string& variable : environment_.variables()) {
    const std::string name = variable.substr(0, variable.find('='));
    if (!name.starts_with("MANG_") || std::find(variables.begin(), variables.end(), name) != variables.end()) continue;
    const auto near = nearest_name(name, variables);
    if (near && warn) warn(say("the variable {} is no setting. Did you mean {}?", name, *near));
  }
  return {};
}

void Settings::prepare(CLI::App& app) const {
  for (const SettableOption& option : settable_options(app)) {
    const Result<std::optional<Setting>> found = find(option);
    if (found.ok() && *found) option.option->required(false);
  }
}

Result<void> Settings::apply(CLI::App& app, const CLI::App& command) {
  struct Candidate {
    SettableOption option;
    Setting setting;
  };
  std::vector<Candidate> candidates;
  for (const SettableOption& option : settable_options(app)) {
    if (!option.command.empty() && option.command != command.get_name()) continue;
    if (option.option->count() > 0) {
      const bool list = is_list(*option.option);
      used_.push_back({option.command, option.key, {list ? Kind::list : Kind::text, option.option->results()}});
      continue;
    }
    MANG_TRY(std::optional<Setting> found, find(option));
    if (found) candidates.push_back({option, std::move(*found)});
  }
  for (const Candidate& each : candidates) {
    bool gives_way = false;
    for (const CLI::Option* other : each.option.option->get_excludes()) {
      gives_way = gives_way || is_given(*other);
      for (const Candidate& rival : candidates) {
        if (rival.option.option != other || rival.setting.value.texts == std::vector<std::string>{"false"}) continue;
        gives_way = gives_way || rival.setting.from < each.setting.from;
        if (rival.setting.from != each.setting.from) continue;
        return Error{say("'{}' ({}) and '{}' ({}) exclude each other. Keep one.", each.option.key, place(each.setting),
                         rival.option.key, place(rival.setting))};
      }
    }
    if (gives_way) continue;
    if (Result<void> set = set_option(each.option, each.setting.value); !set.ok()) {
      return set.error().in(place(each.setting));
    }
    used_.push_back(each.setting);
  }
  return {};
}

bool Settings::given(std::string_view key) const {
  return std::any_of(used_.begin(), used_.end(),
                     [&](const Setting& each) { return each.key == key && each.from == From::flag; });
}

std::string Settings::place(const Setting& setting) const {
  if (setting.from == From::flag) return "--" + setting.key;
  if (!setting.variable.empty()) return setting.variable;
  return say("{}, line {}", shown_path_, setting.line);
}

Result<void> set_option(const SettableOption& option, const SettingsValue& value) {
  CLI::Option& target = *option.option;
  auto wrong = [&](const std::string& expected) {
    return Error{say("'{}' must be {}, not {}.", option.key, expected, shown_value(value))};
  };
  if (is_flag(target)) {
    if (value.kind != Kind::boolean) return wrong(tr("true or false"));
    // A flag that is off is one that was not given, unless it has a name of its own for that.
    if (value.texts.front() == "false" && target.get_fnames().empty()) return {};
  } else if (value.kind == Kind::boolean) {
    return wrong(expected_value(target));
  } else if (value.kind == Kind::list && !is_list(target)) {
    return wrong(tr("one value"));
  }
  if (value.texts.empty()) return {};  // an empty list
  target.clear();
  try {
    target.add_result(value.texts);
    target.run_callback();
  } catch (const CLI::ParseError&) {
    target.clear();
    return wrong(expected_value(target));
  }
  target.clear();
  return {};
}

std::string built_in_default(const CLI::Option& option) {
  if (is_flag(option)) return "false";
  const std::string& text = option.get_description();
  const size_t open = text.rfind('(');
  if (open == std::string::npos || !text.ends_with(')')) return "";
  return text.substr(open + 1, text.size() - open - 2);
}

SettingsValue value_from_words(const CLI::Option& option, const std::vector<std::string>& words) {
  if (words.size() > 1) return {Kind::list, words};
  const std::string& word = words.front();
  if (is_flag(option)) {
    const auto value = boolean_word(word);
    return value ? boolean(*value) : SettingsValue{Kind::text, words};
  }
  if (is_list(option) && word.starts_with('[')) {
    if (Result<SettingsValue> list = parse_settings_value(word); list.ok()) return *list;
  }
  // A number is written as one where it stays the same text.
  const Result<SettingsValue> number = parse_settings_value(word);
  if (number.ok() && number->kind == Kind::number && number->texts == words) return *number;
  return {Kind::text, words};
}

}  // namespace mang::cli
