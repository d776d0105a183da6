// mang config: every setting, its value and where it comes from; and changing the settings file.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

#include "base/json.h"
#include "base/open_file.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/messages.h"
#include "cli/settings.h"
#include "hub/durable.h"

namespace mang::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string action = "list";
  std::string key;
  std::vector<std::string> values;
  bool json = false;
};

// A key as it is written to `mang config`: "threads", or "run.threads" for one command.
struct Key {
  std::string section, key;
  std::vector<SettableOption> options;  // that it sets, at least one
  [[nodiscard]] std::string text() const { return section.empty() ? key : section + "." + key; }
};

// All keys: first those of every command, then those of one.
std::vector<Key> all_keys(CLI::App& app) {
  std::vector<Key> shared, own;
  for (const SettableOption& option : settable_options(app)) {
    if (!option.command.empty()) own.push_back({option.command, option.key, {option}});
    if (option.own) continue;
    const auto same = std::find_if(shared.begin(), shared.end(), [&](const Key& k) { return k.key == option.key; });
    if (same == shared.end()) {
      shared.push_back({"", option.key, {option}});
    } else {
      same->options.push_back(option);
    }
  }
  shared.insert(shared.end(), own.begin(), own.end());
  return shared;
}

Result<Key> key_named(const std::string& written, CLI::App& app) {
  if (written.empty()) return Error{tr("a setting's name is missing, such as threads or run.threads.")};
  const size_t dot = written.find('.');
  std::string name = settings_key(written);
  std::vector<std::string> known;
  for (Key& each : all_keys(app)) {
    if (each.text() == name) return std::move(each);
    known.push_back(each.text());
  }
  // The one command that has it, for "did you mean".
  for (const std::string& each : known) {
    if (dot == std::string::npos && each.ends_with("." + name)) {
      return Error{say("there is no setting '{}'.{}", written, suggestion(each))};
    }
  }
  return Error{say("there is no setting '{}'.{}", written, suggestion(nearest_name(name, known)))};
}

// What counts for a key: for all commands what stands above all sections; for one command also its own.
Result<std::optional<Setting>> find(const Key& key, const Settings& settings) {
  SettableOption option = key.options.front();
  option.command = key.section;
  return settings.find(option);
}

std::string default_of(const Key& key) {
  for (const SettableOption& option : key.options) {
    if (std::string text = built_in_default(*option.option); !text.empty()) return text;
  }
  return "";
}

std::string shown(const SettingsValue& value) {
  return value.kind == SettingsValue::Kind::list ? written_value(value) : value.texts.front();
}

Json to_json(const Key& key, const std::optional<Setting>& setting, const Settings& settings) {
  std::vector<std::string> commands;
  for (const SettableOption& option : key.options) commands.push_back(option.command);
  Json out = {{"key", key.text()},
              {"value", nullptr},
              {"from", "default"},
              {"default", default_of(key)},
              {"commands", commands},
              {"variable", variable_name(key.section, key.key)},
              {"about", key.options.front().option->get_description()}};
  if (!setting) return out;
  if (setting->value.kind == SettingsValue::Kind::list) {
    out["value"] = setting->value.texts;
  } else {
    out["value"] = setting->value.texts.front();
  }
  out["from"] = setting->variable.empty() ? "file" : "variable";
  if (!setting->variable.empty()) {
    out["variable"] = setting->variable;
  } else {
    out["file"] = settings.path();
    out["line"] = setting->line;
  }
  return out;
}

// A key of one command has a row of its own where something sets it apart from the others.
bool worth_a_row(const Key& key, const std::optional<Setting>& setting) {
  if (key.section.empty() || key.options.front().own) return true;
  return setting && (setting->from == Setting::From::section || setting->from == Setting::From::command_variable);
}

Result<int> show_all(const Options& options, CLI::App& app, Context& context) {
  const Settings& settings = context.settings;
  MANG_TRY(settings.check(app, [](const std::string& sentence) { print_error_line("mang: " + sentence); }));
  Json rows = Json::array();
  std::string text = say("Settings are kept in {}\n\n", settings.shown_path());
  if (settings.path().empty()) text = tr("There is no place for a settings file: HOME is not set.\n\n");
  for (const Key& key : all_keys(app)) {
    MANG_TRY(std::optional<Setting> setting, find(key, settings));
    if (!worth_a_row(key, setting)) continue;
    if (setting) {  // also what no command has looked at yet is held against what it must be
      Result<void> valid = set_option(key.options.front(), setting->value);
      if (!valid.ok()) return valid.error().in(settings.place(*setting));
    }
    rows.push_back(to_json(key, setting, settings));
    const std::string value = setting ? shown(setting->value) : default_of(key);
    const std::string from = setting ? settings.place(*setting) : tr("built in");
    text += fmt::format("  {:<26} {:<24} {}\n", key.text(), value.empty() ? "–" : value, from);
  }
  if (options.json) {
    context.out.write(dump_json({{"path", settings.path()}, {"settings", rows}}) + "\n");
  } else {
    context.out.write(context.out.is_terminal() ? without_terminal_controls(text) : text);
  }
  return kExitOk;
}

Result<int> get(const Options& options, const Key& key, Context& context) {
  MANG_TRY(const std::optional<Setting> setting, find(key, context.settings));
  if (options.json) {
    context.out.write(dump_json(to_json(key, setting, context.settings)) + "\n");
  } else if (setting) {
    for (const std::string& each : setting->value.texts) context.out.write(each + "\n");
  } else {
    const std::string usual = default_of(key);
    print_error_line(usual.empty() ? say("mang: '{}' is not set.", key.text())
                                   : say("mang: '{}' is not set; built in: {}.", key.text(), usual));
  }
  return setting || options.json ? kExitOk : kExitFailed;
}

// Keeps two `mang config set` apart: the folder's lock, so that nothing is left behind.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) : file_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (file_.fd >= 0) (void)::flock(file_.fd, LOCK_EX);
  }

 private:
  OpenFile file_;
};

// The file that holds the settings: where links lead, so that a linked file is changed and not replaced.
Result<std::string> real_file(const Settings& settings) {
  if (settings.path().empty()) return Error{tr("neither HOME nor XDG_CONFIG_HOME is set. Set one of them.")};
  std::error_code error;
  const fs::path path = fs::weakly_canonical(settings.path(), error);
  if (error) return Error{say("{}: {}.", settings.shown_path(), system_error(error))};
  fs::create_directories(path.parent_path(), error);
  if (error)
    return Error{say("{}: the folder could not be made: {}.", path.parent_path().string(), system_error(error))};
  return path.string();
}

// Reads the file again under the lock, changes it and writes it back whole.
template <typename Change>
Result<void> change_file(Context& context, Change&& change) {
  MANG_TRY(const std::string path, real_file(context.settings));
  const FolderLock lock(fs::path(path).parent_path().string());
  struct stat info;
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) return Error{say("{}: this is no file that can be changed.", path)};
  SettingsFile file;
  if (exists) {
    MANG_TRY(std::string text, read_file_or_stdin(path, kMaxSettingsBytes));
    MANG_TRY(file, parse_settings(std::move(text), context.settings.shown_path()));
  }
  MANG_TRY(std::string text, change(file));
  // What we wrote reads back, or is not written.
  MANG_TRY(parse_settings(text, context.settings.shown_path()));
  return write_file_atomically(path, text, exists ? info.st_mode & 07777 : 0644);
}

Result<int> set(const Options& options, const Key& key, Context& context) {
  if (options.values.empty()) return usage_error("config", say("what '{}' is to be is missing.", key.text()));
  const SettingsValue value = value_from_words(*key.options.front().option, options.values);
  for (const SettableOption& option : key.options) {
    if (Result<void> valid = set_option(option, value); !valid.ok()) {
      return usage_error("config", message_of(valid.error()));
    }
  }
  MANG_TRY(change_file(context, [&](const SettingsFile& file) -> Result<std::string> {
    return with_setting(file, key.section, key.key, value);
  }));
  MANG_TRY(const std::optional<Setting> before, find(key, context.settings));
  if (before && !before->variable.empty()) {
    print_error_line(say("mang: it is in the file now, but the variable {} is stronger.", before->variable));
  }
  return kExitOk;
}

Result<int> unset(const Key& key, Context& context) {
  MANG_TRY(change_file(context, [&](const SettingsFile& file) -> Result<std::string> {
    const SettingsEntry* entry = file.find(key.section, key.key);
    if (entry == nullptr) {
      return Error{say("'{}' is not set in {}.", key.text(), context.settings.shown_path())};
    }
    return without_setting(file, *entry);
  }));
  return kExitOk;
}

Result<int> path(const Options& options, Context& context) {
  MANG_TRY(const std::string file, [&]() -> Result<std::string> {
    if (!context.settings.path().empty()) return context.settings.path();
    return Error{tr("neither HOME nor XDG_CONFIG_HOME is set. Set one of them.")};
  }());
  context.out.write(options.json ? dump_json(Json(file)) + "\n" : file + "\n");
  return kExitOk;
}

Result<int> config(Options options, CLI::App& app, Context& context) {
  if (options.action == "list" || options.action == "path") {
    if (!options.key.empty()) return usage_error("config", say("'{}' is one argument too many.", options.key));
    if (options.action == "path") return path(options, context);
    const Result<int> shown = show_all(options, app, context);
    if (shown.ok()) return shown;
    print_error(shown.error());  // as every other command that meets such settings
    return kExitUsage;
  }
  const Result<Key> key = key_named(options.key, app);
  if (!key.ok()) return usage_error("config", message_of(key.error()));
  if (options.action == "set") return set(options, *key, context);
  if (!options.values.empty()) {
    return usage_error("config", say("'{}' is one argument too many.", options.values.front()));
  }
  return options.action == "get" ? get(options, *key, context) : unset(*key, context);
}

}  // namespace

void add_config(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "config", tr("Show and change the settings, and where each value comes from"));
  command->add_option("ACTION", options->action, tr("list (also without an action), get, set, unset, path"))
      ->check(CLI::IsMember({"list", "get", "set", "unset", "path"}));
  command->add_option("KEY", options->key, tr("An option's long name: threads; for one command: run.threads"));
  command->add_option("VALUE", options->values, tr("What it is to be; several values make a list"));
  command->add_flag("--json", options->json, tr("Write JSON"));
  command->footer(
      tr("Examples:\n"
         "  mang config                           every setting\n"
         "  mang config set threads 4             for every command\n"
         "  mang config set run.temperature 0.7   for mang run\n"
         "  mang config unset threads\n\n"
         "An option counts first, then its variable (MANG_RUN_THREADS, MANG_THREADS), then\n"
         "the file's [run] section, then what stands above all sections."));
  command->callback([options, &app, &action] {
    action = [options, &app](Context& context) { return config(*options, app, context); };
  });
}

}  // namespace mang::cli
