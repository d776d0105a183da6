// A model's chat template: messages → the prompt text, as transformers' apply_chat_template renders it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "jinja/template.h"

namespace mang {

// The model's special tokens by the names templates use: bos_token, eos_token, unk_token, pad_token, …
using SpecialTokens = std::map<std::string, std::string>;

struct ChatRequest {
  Json messages = Json::array();       // checked with parse_messages (chat/messages.h)
  Json tools;                          // null: no tools
  Json documents;                      // null: none
  bool add_generation_prompt = true;   // end with the start of the assistant's turn
  Json variables = Json::object();     // more template variables: enable_thinking, …; they may replace special tokens
  std::optional<jinja::DateTime> now;  // for templates that write the date; none: such a template is an error
};

class ChatTemplate {
 public:
  // `source`: the template's text; empty: the model has none, which is an error that says what to do instead.
  // `name` stands in errors ("tokenizer.chat_template of model.gguf").
  static Result<ChatTemplate> create(std::string source, std::string name, SpecialTokens special_tokens);

  [[nodiscard]] Result<std::string> render(const ChatRequest& request) const;

  // Whether the template's text reads a variable of this name ("tools", "enable_thinking").
  [[nodiscard]] bool mentions(std::string_view variable) const;

 private:
  ChatTemplate(jinja::Template page, std::string source, SpecialTokens tokens)
      : page_(std::move(page)), source_(std::move(source)), special_tokens_(std::move(tokens)) {}

  jinja::Template page_;
  std::string source_;
  SpecialTokens special_tokens_;
};

}  // namespace mang
