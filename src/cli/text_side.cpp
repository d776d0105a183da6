#include "cli/text_side.h"

#include "cli/model_ref.h"
#include "load/model_identity.h"

namespace mang::cli {

Result<Tokenizer> open_tokenizer(const std::string& model, const Context& context) {
  MANG_TRY(ModelRef ref, resolve_model(model, context));
  MANG_TRY(ModelText text, load_text(ref.path, context.log));
  return Tokenizer::build(std::move(text.tokenizer));
}

Result<ChatTemplate> open_template(const ModelText& text, const std::string& path, bool with_tools) {
  const NamedTemplate* chosen = choose_template(text.templates, with_tools);
  return ChatTemplate::create(chosen ? chosen->text : "", path + ": chat template", text.special_tokens);
}

}  // namespace mang::cli
