// Settings: every option of every command may also stand in a variable or in the settings file. What is on the
// command line counts first, then MANG_RUN_THREADS, MANG_THREADS, the file's [run] threads, the file's threads above
// all sections, and last the built-in default. Done once, over the options the commands declare to the parser.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "cli/settings_file.h"

namespace mang::cli {

// An option that may be set: of a command, or of the program (command empty).
struct SettableOption {
  std::string command;
  std::string key;  // its first long name
  CLI::Option* option = nullptr;
  bool own = false;  // the same word means something else elsewhere: set for this command only
};
// In the order they are declared.
std::vector<SettableOption> settable_options(CLI::App& app);

// A value that was found, and where.
struct Setting {
  enum class From { flag, command_variable, variable, section, file };  // the strongest first
  std::string command, key;
  SettingsValue value;
  From from = From::flag;
  std::string variable;  // its name
  size_t line = 0;       // of the file
};

class Settings {
 public:
  Settings() = default;
  // Reads the settings file, if there is one. Its path: MANG_CONFIG, else mang/config.toml in XDG_CONFIG_HOME or
  // ~/.config. The options are not known yet, so that the language can be, in which they are declared.
  static Result<Settings> read(const Environment& environment);

  // What would be taken for this option, the command line aside. An error says that the place holds nonsense.
  [[nodiscard]] Result<std::optional<Setting>> find(const SettableOption& option) const;
  // A setting of the whole program, before the options are declared.
  [[nodiscard]] std::optional<std::string> early(std::string_view key) const;

  // Keys and sections of the file that nothing has. Variables are not refused, other programs may use them: `warn` gets
  // a sentence about those that are nearly a setting.
  using Warn = std::function<void(const std::string& sentence)>;
  Result<void> check(CLI::App& app, const Warn& warn) const;

  // Before the command line is read: what is set is no longer required.
  void prepare(CLI::App& app) const;
  // Afterwards: sets what the command line left unset. An option that excludes another gives way to the stronger one.
  Result<void> apply(CLI::App& app, const CLI::App& command);
  // What the chosen command uses that is not built in, flags included. Filled by apply.
  [[nodiscard]] const std::vector<Setting>& used() const { return used_; }
  // True: the command line has it.
  [[nodiscard]] bool given(std::string_view key) const;

  [[nodiscard]] const SettingsFile& file() const { return file_; }
  // Why there is a file and it could not be read, which is the system's fault and no wrong usage.
  [[nodiscard]] const std::optional<Error>& unreadable() const { return unreadable_; }
  // The file's path; empty where there is no home for one.
  [[nodiscard]] const std::string& path() const { return path_; }
  // The same, shorter, for people.
  [[nodiscard]] const std::string& shown_path() const { return shown_path_; }
  // "--threads", "MANG_THREADS", "~/.config/mang/config.toml, line 3".
  [[nodiscard]] std::string place(const Setting& setting) const;

 private:
  Environment environment_{{}};
  std::string path_, shown_path_;
  std::optional<Error> unreadable_;
  SettingsFile file_;
  std::vector<Setting> used_;
};

// MANG_THREADS; with a command MANG_RUN_THREADS.
std::string variable_name(std::string_view command, std::string_view key);

// Gives the option this value as if it were its default; true on the command line, nothing else, remains above it. The
// error says what it must be.
Result<void> set_option(const SettableOption& option, const SettingsValue& value);

// The built-in default in words, as the option's description ends; empty: the model's own, or nothing.
std::string built_in_default(const CLI::Option& option);

// `mang config` takes a value from the command line: "true" for flags, numbers, texts; several make a list.
SettingsValue value_from_words(const CLI::Option& option, const std::vector<std::string>& words);

}  // namespace mang::cli
