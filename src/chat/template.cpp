#include "chat/template.h"

#include <array>

#include "chat/messages.h"

namespace mang {
namespace {

// Values of a request cost the render nothing, but what is made from them does: the limits grow with the request.
constexpr uint64_t kStepsPerByte = 4;
constexpr size_t kBytesPerByte = 8;

// A message as templates expect it. Fields that are null are as good as absent: APIs send "content": null, and
// templates would print None. Reasoning goes by three names, of which templates read the first or the second.
Json for_template(const Json& message) {
  constexpr std::array names = {"reasoning_content", "thinking", "reasoning"};
  Json out = Json::object();
  const Json* reasoning = nullptr;
  for (const char* name : names) {
    const auto at = message.find(name);
    if (at == message.end() || at->is_null()) continue;
    reasoning = &*at;
    out["thinking"] = *reasoning;
    break;
  }
  for (const auto& [key, value] : message.items()) {
    if (!value.is_null()) out[key] = value;
  }
  if (reasoning) out["reasoning_content"] = *reasoning;
  return out;
}

// The bytes of a request's text, and a few for each value. Requests are as shallow as parse_json lets them be.
size_t size_of(const Json& json) {
  size_t size = 8;
  if (json.is_string()) size += json.get_ref<const std::string&>().size();
  if (json.is_array()) {
    for (const auto& item : json) size += size_of(item);
  }
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) size += key.size() + size_of(value);
  }
  return size;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::create(std::string source, std::string name, SpecialTokens special_tokens) {
  if (source.empty()) {
    return fail(
        "{}: the model has no chat template, so a conversation cannot be written as a prompt. Give the prompt as "
        "plain text with --raw.",
        name);
  }
  MANG_TRY(auto page, jinja::Template::parse(source, std::move(name)));
  return ChatTemplate(std::move(page), std::move(source), std::move(special_tokens));
}

Result<std::string> ChatTemplate::render(const ChatRequest& request) const {
  if (!request.messages.is_array() || request.messages.empty()) {
    return fail("the conversation is empty; it needs at least one message.");
  }
  Json messages = Json::array();
  for (const auto& message : request.messages) messages.push_back(for_template(message));

  Json context = Json::object();
  for (const auto& [name, token] : special_tokens_) context[name] = token;
  for (const auto& [name, value] : request.variables.items()) context[name] = value;
  context["messages"] = std::move(messages);
  context["tools"] = request.tools;
  context["documents"] = request.documents;
  context["add_generation_prompt"] = request.add_generation_prompt;

  jinja::RenderOptions options;
  const size_t size = size_of(context);
  options.max_steps += kStepsPerByte * size;
  options.max_bytes += kBytesPerByte * size;
  options.now = request.now;
  return page_.render(to_template_value(context), options);
}

bool ChatTemplate::mentions(std::string_view variable) const { return source_.find(variable) != std::string::npos; }

}  // namespace mang
