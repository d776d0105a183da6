#include "serve/chat_messages.h"

#include <string>

namespace mang::serve {

Result<std::string> text_of_part(const Json& part, const std::string& where) {
  if (part.is_string()) return part.get<std::string>();
  std::string type;
  if (part.is_object() && part.contains("type") && part["type"].is_string()) type = part["type"].get<std::string>();
  for (const auto& [kind, member] :
       {std::pair("text", "text"), {"input_text", "text"}, {"output_text", "text"}, {"refusal", "refusal"}}) {
    if (type != kind) continue;
    const auto text = part.find(member);
    if (text == part.end() || !text->is_string())
      return fail("{}: '{}' should be {}.", where, member, fail("a string"));
    return text->get<std::string>();
  }
  if (type.empty()) return fail("{}: a part of a message is an object with a 'type', such as \"text\".", where);
  return fail("{}: this model reads text, and no part of the type '{}'.", where, type);
}

Result<Json> text_of(const Json& content, const std::string& where) {
  if (content.is_null() || content.is_string()) return content;
  if (!content.is_array()) return fail("{}: should be a text or an array of parts.", where);
  std::string out;
  for (size_t i = 0; i < content.size(); ++i) {
    MANG_TRY(const std::string text, text_of_part(content[i], where + "[" + std::to_string(i) + "]"));
    out += text;
  }
  return Json(out);
}

namespace {

Result<void> open_arguments(Json& calls, const std::string& where) {
  if (!calls.is_array()) return fail("{}: should be an array.", where);
  for (size_t i = 0; i < calls.size(); ++i) {
    Json& call = calls[i];
    const std::string place = where + "[" + std::to_string(i) + "]";
    const bool good = call.is_object() && call.contains("function") && call["function"].is_object() &&
                      call["function"].contains("name") && call["function"]["name"].is_string();
    if (!good) return fail("{}: should be an object with a 'function' that has a 'name'.", place);
    Json& function = call["function"];
    const auto arguments = function.find("arguments");
    if (arguments == function.end() || arguments->is_null() || *arguments == "") {
      function["arguments"] = Json::object();
    } else if (arguments->is_string()) {
      MANG_TRY(function["arguments"], parse_json(arguments->get<std::string>(), place + ".function.arguments"));
    }
  }
  return {};
}

bool is_system(const Json& message) { return message["role"] == "system"; }

// At the beginning only: elsewhere the template decides what becomes of them.
void join_system_messages(Json& messages) {
  size_t count = 0;
  std::string text;
  while (count < messages.size() && is_system(messages[count]) && messages[count]["content"].is_string()) {
    const std::string part = messages[count++]["content"].get<std::string>();
    text += (count == 1 ? "" : "\n\n") + part;
  }
  if (count < 2) return;
  Json out = Json::array({Json{{"role", "system"}, {"content", text}}});
  for (size_t i = count; i < messages.size(); ++i) out.push_back(std::move(messages[i]));
  messages = std::move(out);
}

}  // namespace

Result<Json> template_messages(const Json& messages) {
  if (!messages.is_array() || messages.empty()) {
    return fail("'messages' should be an array with at least one message.");
  }
  Json out = Json::array();
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = "messages[" + std::to_string(i) + "]";
    if (!messages[i].is_object() || !messages[i].contains("role") || !messages[i]["role"].is_string()) {
      return fail("{}: should be an object with a 'role'.", where);
    }
    Json message = messages[i];
    if (message["role"] == "developer") message["role"] = "system";
    MANG_TRY(Json content, text_of(message.contains("content") ? message["content"] : Json(), where + ".content"));
    const auto calls = message.find("tool_calls");
    const bool calls_tools = calls != message.end() && !calls->is_null();
    if (content.is_null() && !calls_tools) return fail("{}: has no 'content'.", where);
    message["content"] = content.is_null() ? Json("") : content;
    if (calls_tools) MANG_TRY(open_arguments(*calls, where + ".tool_calls"));
    if (message.contains("reasoning") && !message.contains("reasoning_content")) {
      message["reasoning_content"] = message["reasoning"];
    }
    out.push_back(std::move(message));
  }
  join_system_messages(out);
  return out;
}

}  // namespace mang::serve
