#include "serve/reasoning_wish.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace mang::serve {

namespace {

constexpr std::array<std::string_view, 6> kEfforts = {"none", "minimal", "low", "medium", "high", "xhigh"};

// Templates that can only think or not: by one of these names.
const char* switch_of(const ChatTemplate& page) {
  for (const char* name : {"enable_thinking", "thinking"}) {
    if (page.mentions(name)) return name;
  }
  return nullptr;
}

}  // namespace

Result<void> set_effort(const char* name, const std::string& effort, const ChatTemplate& page, Json& variables) {
  if (std::find(kEfforts.begin(), kEfforts.end(), effort) == kEfforts.end()) {
    return fail("'{}' should be {}.", name, fail("none, minimal, low, medium, high or xhigh"));
  }
  const char* thinking = switch_of(page);
  const bool none = effort == "none";
  if (thinking) variables[thinking] = !none;
  if (page.mentions("reasoning_effort") && !(none && thinking)) {
    variables["reasoning_effort"] = effort;
  } else if (!thinking && !none) {
    return fail("'{}': this model's template cannot be told how much to think. Leave it out.", name);
  }
  return {};
}

Result<void> set_thinking(const char* name, bool on, const ChatTemplate& page, Json& variables) {
  if (const char* thinking = switch_of(page)) {
    variables[thinking] = on;
  } else if (on && !page.mentions("think>")) {
    return fail("'{}': this model's template has no such switch. Leave it out.", name);
  }
  return {};
}

Result<void> read_reasoning_wish(JsonFields& fields, const ChatTemplate& page, Json& variables) {
  if (const Json* given = fields.find("chat_template_kwargs")) {
    if (!given->is_object()) return fields.wrong("chat_template_kwargs", fail("an object"));
    variables = *given;
  }
  std::optional<bool> thinking;
  MANG_TRY(fields.flag("enable_thinking", thinking));
  if (thinking) {
    const char* name = switch_of(page);
    if (!name) return fail("'{}': this model's template has no such switch. Leave it out.", "enable_thinking");
    variables[name] = *thinking;
  }
  std::optional<std::string> effort;
  MANG_TRY(fields.text("reasoning_effort", effort));
  return effort ? set_effort("reasoning_effort", *effort, page, variables) : Result<void>();
}

}  // namespace mang::serve
