#include "cli/chat_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

#include "base/json.h"
#include "cli/messages.h"
#include "hub/catalog.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

template <typename T>
Result<void> take_number(std::string_view name, const std::string& value, std::optional<T>& out) {
  if (value == "default") {
    out.reset();
    return {};
  }
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) {
    return Error{say("{}: a number was expected, not '{}'. ('default' goes back to the model's own.)", name, value)};
  }
  out = number;
  return {};
}

Result<void> take_think(const std::string& value, std::optional<std::string>& out) {
  constexpr std::string_view kKnown[] = {"on", "off", "low", "medium", "high"};
  if (value == "default") {
    out.reset();
    return {};
  }
  if (std::find(std::begin(kKnown), std::end(kKnown), value) == std::end(kKnown)) {
    return Error{say("think: on, off, low, medium, high or default was expected, not '{}'.", value)};
  }
  out = value;
  return {};
}

Result<void> take_seed(const std::string& value, std::string& out) {
  SamplingOptions options;
  options.seed = value == "default" ? "" : value;
  if (!sampling_params(options, {}).ok()) {
    return Error{say("seed: a whole number from 0 on, or 'random', was expected, not '{}'.", value)};
  }
  out = options.seed;
  return {};
}

struct Setting {
  std::string_view name;
  std::function<Result<void>(ChatSettings&, const std::string&)> change;
  std::function<std::string(const ChatSettings&, const SamplingParams&)> value;
};

template <typename T>
Setting number(std::string_view name, std::optional<T> SamplingOptions::*option,
               std::function<std::string(const SamplingParams&)> shown) {
  return {name,
          [name, option](ChatSettings& settings, const std::string& value) {
            return take_number(name, value, settings.sampling.*option);
          },
          [option, shown](const ChatSettings& settings, const SamplingParams& params) {
            return settings.sampling.*option ? shown(params) : say("{} (the model's own)", shown(params));
          }};
}

template <typename T>
auto field(T SamplingParams::*member) {
  return [member](const SamplingParams& params) { return fmt::format("{}", params.*member); };
}

std::vector<Setting> settings_table() {
  std::vector<Setting> table = {
      number("temperature", &SamplingOptions::temperature, field(&SamplingParams::temperature)),
      number("top-k", &SamplingOptions::top_k, field(&SamplingParams::top_k)),
      number("top-p", &SamplingOptions::top_p, field(&SamplingParams::top_p)),
      number("min-p", &SamplingOptions::min_p, field(&SamplingParams::min_p)),
      number("repetition-penalty", &SamplingOptions::repetition_penalty, field(&SamplingParams::repetition_penalty)),
      number("presence-penalty", &SamplingOptions::presence_penalty, field(&SamplingParams::presence_penalty)),
      number("frequency-penalty", &SamplingOptions::frequency_penalty, field(&SamplingParams::frequency_penalty)),
      number("max-tokens", &SamplingOptions::max_tokens,
             [](const SamplingParams& params) {
               return params.max_tokens ? fmt::format("{}", *params.max_tokens) : tr("until the context is full");
             }),
  };
  table.push_back(
      {"seed",
       [](ChatSettings& settings, const std::string& value) { return take_seed(value, settings.sampling.seed); },
       [](const ChatSettings&, const SamplingParams& params) { return fmt::format("{}", params.seed); }});
  table.push_back({"system",
                   [](ChatSettings& settings, const std::string& value) -> Result<void> {
                     settings.system = value == "default" ? "" : value;
                     return {};
                   },
                   [](const ChatSettings& settings, const SamplingParams&) {
                     return settings.system.empty() ? tr("none") : settings.system;
                   }});
  table.push_back({"think",
                   [](ChatSettings& settings, const std::string& value) { return take_think(value, settings.think); },
                   [](const ChatSettings& settings, const SamplingParams&) {
                     return settings.think ? *settings.think : tr("as the model likes it");
                   }});
  return table;
}

// The setting of a name; `_` is as good as `-`, and "temp" is known from other tools.
std::string canonical(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out == "temp" ? "temperature" : out;
}

Error unknown_setting(const std::string& name) {
  std::string all;
  const std::string* close = nullptr;
  const std::vector<std::string> names = setting_names();
  for (const std::string& each : names) {
    all += (all.empty() ? "" : ", ") + each;
    if (each.starts_with(name) || edit_distance(each, name) <= 2) close = &each;
  }
  if (close) return Error{say("there is no setting '{}'. Did you mean '{}'?", name, *close)};
  return Error{say("there is no setting '{}'. There are: {}.", name, all)};
}

}  // namespace

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const Setting& each : settings_table()) names.emplace_back(each.name);
  return names;
}

Result<void> change_setting(ChatSettings& settings, std::string_view name, const std::string& value) {
  const std::string wanted = canonical(name);
  const std::vector<Setting> table = settings_table();
  const auto setting = std::find_if(table.begin(), table.end(), [&](const Setting& s) { return s.name == wanted; });
  if (setting == table.end()) return unknown_setting(wanted);
  if (value.empty()) return Error{say("{}: what is it to be? 'default' goes back to the model's own.", wanted)};
  ChatSettings changed = settings;
  MANG_TRY(setting->change(changed, value));
  // Ranges; ids are checked against the model's vocabulary when a token is drawn.
  MANG_TRY(const SamplingParams params, sampling_params(changed.sampling, {}));
  MANG_TRY(validate(params, std::numeric_limits<int32_t>::max()));
  settings = std::move(changed);
  return {};
}

std::vector<std::pair<std::string, std::string>> setting_rows(const ChatSettings& settings,
                                                              const SamplingParams& params) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Setting& each : settings_table()) rows.emplace_back(each.name, each.value(settings, params));
  return rows;
}

Result<Json> think_variables(const ChatSettings& settings, const ChatTemplate& chat_template) {
  Json variables = Json::object();
  if (!settings.think) return variables;
  const std::string& think = *settings.think;
  const bool on = think != "off";
  if (chat_template.mentions("reasoning_effort") && think != "on" && on) {
    variables["reasoning_effort"] = think;
  } else if (chat_template.mentions("enable_thinking")) {
    variables["enable_thinking"] = on;
  } else if (chat_template.mentions("thinking is") || chat_template.mentions("if thinking")) {
    variables["thinking"] = on;
  } else {
    return Error{tr("this model's template has no switch for thinking; /set think default takes it back.")};
  }
  return variables;
}

}  // namespace mang::cli
