#include "chat/messages.h"

#include "base/result.h"

namespace mang {
namespace {

// The number of the first entry that is not an object, counted from 1; 0: all are.
size_t first_other(const Json& array) {
  for (size_t i = 0; i < array.size(); ++i) {
    if (!array[i].is_object()) return i + 1;
  }
  return 0;
}

}  // namespace

Result<Json> parse_messages(std::string_view text, std::string_view what) {
  MANG_TRY(Json json, parse_json(text, what));
  if (!json.is_array()) return fail("{}: expected a JSON array of messages.", what);
  if (const size_t at = first_other(json)) return fail("{}: message {} is not a JSON object.", what, at);
  if (json.empty()) return fail("{}: the conversation is empty; it needs at least one message.", what);
  for (size_t i = 0; i < json.size(); ++i) {
    const auto role = json[i].find("role");
    if (role == json[i].end() || !role->is_string()) {
      return fail("{}: message {} has no \"role\"; write \"system\", \"user\", \"assistant\" or \"tool\".", what,
                  i + 1);
    }
  }
  return json;
}

Result<Json> parse_tools(std::string_view text, std::string_view what) {
  MANG_TRY(Json json, parse_json(text, what));
  if (!json.is_array()) return fail("{}: expected a JSON array of tools.", what);
  if (const size_t at = first_other(json)) return fail("{}: tool {} is not a JSON object.", what, at);
  return json;
}

jinja::Value to_template_value(const Json& json) {
  using jinja::Value;
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      return Value::unsigned_integer(json.get<uint64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    case Json::value_t::string:
      return Value::string(json.get<std::string>());
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const auto& item : json) items.push_back(to_template_value(item));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<std::string, Value>> items;
      items.reserve(json.size());
      for (const auto& [key, value] : json.items()) items.emplace_back(key, to_template_value(value));
      return Value::dict(std::move(items));
    }
    default:
      return Value::none();
  }
}

}  // namespace mang
