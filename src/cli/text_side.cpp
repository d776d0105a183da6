#include "cli/text_side.h"

#include "cli/model_ref.h"

namespace mang::cli {

Result<Tokenizer> open_tokenizer(const std::string& model, const Context& context) {
  MANG_TRY(ModelRef ref, resolve_model(model, context));
  MANG_TRY(ModelText text, load_text(ref.path, context.log));
  return Tokenizer::build(std::move(text.tokenizer));
}

Result<ChatTemplate> open_template(const ModelText& text, const std::string& path, bool with_tools) {
  const NamedTemplate* chosen = nullptr;
  for (const NamedTemplate& each : text.templates) {
    if (each.name == "default" && !chosen) chosen = &each;
    if (each.name == "tool_use" && with_tools) chosen = &each;
  }
  if (!chosen && !text.templates.empty()) chosen = &text.templates.front();
  return ChatTemplate::create(chosen ? chosen->text : "", path + ": chat template", text.special_tokens);
}

}  // namespace mang::cli
