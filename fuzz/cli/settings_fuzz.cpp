// Any bytes as a settings file: refused with a sentence that names the place, or a file whose settings can be changed
// and taken away without touching the others.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cli/settings_file.h"

namespace {

using namespace mang::cli;

void require(bool condition) {
  if (!condition) std::abort();
}

SettingsFile parsed(std::string text) {
  auto file = parse_settings(std::move(text), "config.toml");
  require(file.ok());
  return std::move(file).value();
}

void require_same_but(const SettingsFile& before, const SettingsFile& after, const std::string& section,
                      const std::string& key) {
  for (const SettingsEntry& entry : before.entries) {
    if (entry.section == section && entry.key == key) continue;
    const SettingsEntry* kept = after.find(entry.section, entry.key);
    require(kept != nullptr && kept->value.kind == entry.value.kind && kept->value.texts == entry.value.texts);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto value = parse_settings_value(text); value.ok()) {
    const auto again = parse_settings_value(written_value(*value));
    require(again.ok() && again->kind == value->kind && again->texts == value->texts);
  }
  const auto file = parse_settings(text, "config.toml");
  if (!file.ok()) {
    require(file.error().message.starts_with("config.toml"));
    return 0;
  }
  const SettingsValue value{SettingsValue::Kind::text, {"a \"quoted\" # text"}};
  for (const char* section : {"", "run"}) {
    const SettingsFile changed = parsed(with_setting(*file, section, "system", value));
    const SettingsEntry* entry = changed.find(section, "system");
    require(entry != nullptr && entry->value.texts == value.texts);
    require_same_but(*file, changed, section, "system");
    const SettingsFile without = parsed(without_setting(changed, *entry));
    require(without.find(section, "system") == nullptr);
    require_same_but(*file, without, section, "system");
  }
  return 0;
}
