// The settings file: a subset of TOML that says by line what it does not understand, and that can be edited without
// losing comments or order. (CLI11's own reader skips what it does not understand, cuts texts at '#' and knows no
// lines; JSON has no comments.) Every file accepted here means the same to any TOML reader.
//
//   threads = 4              # for every command that has the option
//   [run]                    # for one command
//   system = "Answer briefly."
//   stop = ["END", "Q:"]
//
// Keys are bare words; '_' and '-' are the same. Values: texts in any of TOML's quotes, decimal numbers, true, false,
// and lists of them. Not in the subset: dates, tables in braces, [[lists of tables]], dotted keys.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang::cli {

inline constexpr size_t kMaxSettingsBytes = 1 << 20;

struct SettingsValue {
  enum class Kind { boolean, number, text, list };
  Kind kind = Kind::text;
  std::vector<std::string> texts;  // one, or those of the list; numbers as they are written
};

struct SettingsEntry {
  std::string section;  // empty: above all sections
  std::string key;      // with '-' for '_'
  SettingsValue value;
  size_t line = 0;         // from 1
  size_t begin = 0;        // of the key, in the text
  size_t value_begin = 0;  // of the value, and one past it
  size_t value_end = 0;
};

struct SettingsSection {
  std::string name;
  size_t line = 0;
  size_t begin = 0, end = 0;  // of its header, with the line's end
};

struct SettingsFile {
  std::string text;
  std::vector<SettingsEntry> entries;     // in the order of the file
  std::vector<SettingsSection> sections;  // likewise

  [[nodiscard]] const SettingsEntry* find(std::string_view section, std::string_view key) const;
};

// `name` stands before the line in errors.
Result<SettingsFile> parse_settings(std::string text, const std::string& name);

// One value as it would stand in the file ("[1, 2]", "\"a\""), for variables that hold a list.
Result<SettingsValue> parse_settings_value(const std::string& text);

// '-' for '_'.
std::string settings_key(std::string_view written);

// The text of the file with this value instead of the old one, or on a line of its own at the end of its section. A
// section that is missing is added at the end. Everything else stays as it is.
std::string with_setting(const SettingsFile& file, const std::string& section, const std::string& key,
                         const SettingsValue& value);
// The text without the lines of that entry.
std::string without_setting(const SettingsFile& file, const SettingsEntry& entry);

// How a value is written: numbers and booleans bare, texts in quotes.
std::string written_value(const SettingsValue& value);

}  // namespace mang::cli
