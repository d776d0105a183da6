#include "serve/anthropic_history.h"

#include <map>
#include <string>
#include <utility>

#include "serve/chat_messages.h"

namespace mang::serve {

namespace {

std::string type_of(const Json& block) {
  if (!block.is_object()) return "";
  const auto type = block.find("type");
  return type != block.end() && type->is_string() ? type->get<std::string>() : "";
}

Result<std::string> member(const Json& block, const char* name, const std::string& where) {
  const auto found = block.find(name);
  if (found == block.end() || !found->is_string()) {
    return fail("{}: '{}' should be {}.", where, name, fail("a string"));
  }
  return found->get<std::string>();
}

Result<std::string> plain_text(const Json& content, const std::string& where) {
  MANG_TRY(const Json text, text_of(content, where));
  return text.is_string() ? text.get<std::string>() : std::string();
}

// The conversation so far.
class History {
 public:
  Result<void> add(const Json& message, const std::string& where) {
    if (!message.is_object()) return fail("{}: should be an object with a 'role'.", where);
    MANG_TRY(const std::string role, member(message, "role", where));
    if (role != "user" && role != "assistant" && role != "system") {
      return fail("{}: '{}' should be {}.", where, "role", fail("user or assistant"));
    }
    const auto content = message.find("content");
    if (content == message.end() || content->is_null()) return fail("{}: has no 'content'.", where);
    if (role == "assistant" && content->is_array()) return add_answer(*content, where + ".content");
    if (role == "user" && content->is_array()) return add_question(*content, where + ".content");
    MANG_TRY(std::string text, plain_text(*content, where + ".content"));
    append(Json{{"role", role}, {"content", std::move(text)}});
    return {};
  }

  void append(Json message) {
    if (!messages_.empty() && is_plain(messages_.back()) && is_plain(message) &&
        messages_.back()["role"] == message["role"]) {
      messages_.back()["content"] =
          messages_.back()["content"].get<std::string>() + "\n\n" + message["content"].get<std::string>();
      return;
    }
    messages_.push_back(std::move(message));
  }

  [[nodiscard]] const Json& messages() const { return messages_; }

 private:
  static bool is_plain(const Json& message) { return message.size() == 2; }  // a role and its text

  Result<void> add_answer(const Json& blocks, const std::string& where) {
    std::string text, reasoning;
    Json calls = Json::array();
    for (size_t i = 0; i < blocks.size(); ++i) {
      const Json& block = blocks[i];
      const std::string place = where + "[" + std::to_string(i) + "]";
      const std::string type = type_of(block);
      if (type == "thinking") {
        MANG_TRY(const std::string thought, member(block, "thinking", place));
        reasoning += thought;
      } else if (type == "tool_use") {
        MANG_TRY(Json call, call_of(block, place));
        calls.push_back(std::move(call));
      } else if (type != "redacted_thinking") {  // encrypted for others: there is nothing to read
        MANG_TRY(const std::string part, text_of_part(block, place));
        text += part;
      }
    }
    Json message = {{"role", "assistant"}, {"content", std::move(text)}};
    if (!reasoning.empty()) message["reasoning_content"] = std::move(reasoning);
    if (!calls.empty()) message["tool_calls"] = std::move(calls);
    append(std::move(message));
    return {};
  }

  Result<Json> call_of(const Json& block, const std::string& where) {
    MANG_TRY(const std::string id, member(block, "id", where));
    MANG_TRY(const std::string name, member(block, "name", where));
    const auto input = block.find("input");
    if (input == block.end() || !input->is_object()) {
      return fail("{}: '{}' should be {}.", where, "input", fail("an object"));
    }
    tools_[id] = name;
    return Json{{"id", id}, {"type", "function"}, {"function", {{"name", name}, {"arguments", *input}}}};
  }

  Result<void> add_question(const Json& blocks, const std::string& where) {
    std::string text;
    bool any = blocks.empty();
    for (size_t i = 0; i < blocks.size(); ++i) {
      const std::string place = where + "[" + std::to_string(i) + "]";
      if (type_of(blocks[i]) != "tool_result") {
        MANG_TRY(const std::string part, text_of_part(blocks[i], place));
        text += part;
        any = true;
        continue;
      }
      if (any) append(Json{{"role", "user"}, {"content", std::exchange(text, "")}});
      any = false;
      MANG_TRY(Json result, result_of(blocks[i], place));
      append(std::move(result));
    }
    if (any) append(Json{{"role", "user"}, {"content", std::move(text)}});
    return {};
  }

  Result<Json> result_of(const Json& block, const std::string& where) {
    MANG_TRY(const std::string id, member(block, "tool_use_id", where));
    std::string text;
    if (const auto content = block.find("content"); content != block.end()) {
      MANG_TRY(text, plain_text(*content, where + ".content"));
    }
    Json out = {{"role", "tool"}, {"tool_call_id", id}, {"content", std::move(text)}};
    if (const auto name = tools_.find(id); name != tools_.end()) out["name"] = name->second;
    return out;
  }

  Json messages_ = Json::array();
  std::map<std::string, std::string> tools_;  // names of those that were called, by the call's id
};

}  // namespace

Result<Json> messages_from_anthropic(const Json* system, const Json* messages) {
  if (!messages || !messages->is_array() || messages->empty()) return template_messages(Json());
  History history;
  if (system) {
    // Their blocks are separate instructions, where the parts of a message are pieces of one text.
    std::string text;
    const Json blocks = system->is_array() ? *system : Json::array({*system});
    for (size_t i = 0; i < blocks.size(); ++i) {
      MANG_TRY(const std::string part, text_of_part(blocks[i], "system[" + std::to_string(i) + "]"));
      text += (i == 0 ? "" : "\n\n") + part;
    }
    if (!text.empty()) history.append(Json{{"role", "system"}, {"content", std::move(text)}});
  }
  for (size_t i = 0; i < messages->size(); ++i) {
    MANG_TRY(history.add((*messages)[i], "messages[" + std::to_string(i) + "]"));
  }
  if (history.messages().back()["role"] == "assistant") {
    return fail("'messages': the last one is an answer, and continuing it is not served yet. End with a question.");
  }
  return template_messages(history.messages());
}

}  // namespace mang::serve
