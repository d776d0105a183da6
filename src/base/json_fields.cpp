#include "base/json_fields.h"

#include <algorithm>

namespace mang {

Result<void> JsonFields::flag(const char* name, bool& out) {
  std::optional<bool> value;
  MANG_TRY(flag(name, value));
  if (value) out = *value;
  return {};
}

Result<void> JsonFields::flag(const char* name, std::optional<bool>& out) {
  const Json* value = find(name);
  if (!value) return {};
  if (!value->is_boolean()) return wrong(name, fail("true or false"));
  out = value->get<bool>();
  return {};
}

Result<void> JsonFields::text(const char* name, std::optional<std::string>& out) {
  const Json* value = find(name);
  if (!value) return {};
  if (!value->is_string()) return wrong(name, fail("a string"));
  out = value->get<std::string>();
  return {};
}

Result<void> JsonFields::text(const char* name, std::string& out) {
  std::optional<std::string> value;
  MANG_TRY(text(name, value));
  if (value) out = std::move(*value);
  return {};
}

Result<void> JsonFields::number(const char* name, std::optional<double>& out) {
  const Json* value = find(name);
  if (!value) return {};
  if (!value->is_number()) return wrong(name, fail("a number"));
  out = value->get<double>();
  return {};
}

const Json* JsonFields::find(const char* name) {
  const auto at = object_.find(name);
  if (at == object_.end()) return nullptr;
  asked_.emplace_back(name);
  return at->is_null() ? nullptr : &*at;
}

Error JsonFields::wrong(const char* name, const Error& expected) const {
  if (what_.empty()) return fail("'{}' should be {}.", name, expected);
  return fail("{}: '{}' should be {}.", what_, name, expected);
}

std::vector<std::string> JsonFields::unknown() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) names.push_back(name);
  }
  return names;
}

Result<void> JsonFields::all_known() const {
  const std::vector<std::string> names = unknown();
  if (names.empty()) return {};
  if (what_.empty()) return fail("the field '{}' is not known here.", names[0]);
  return fail("{}: the field '{}' is not known here.", what_, names[0]);
}

}  // namespace mang
