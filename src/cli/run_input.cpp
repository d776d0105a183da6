#include "cli/run_input.h"

#include "cli/messages.h"
#include "cli/model_ref.h"

namespace mang::cli {

Result<RunInput> interpret_run(const std::vector<std::string>& positionals, const std::optional<std::string>& model,
                               const std::optional<std::string>& prompt, const Catalog& catalog) {
  RunInput input{model, prompt};
  if (positionals.size() > (model ? 0U : 1U) + (prompt ? 0U : 1U)) {
    return Error{say("'{}' is one argument too many. Write the prompt in quotes: \"Why does bamboo grow so fast?\".",
                     positionals.back())};
  }
  if (positionals.size() == 2) {
    input.model = positionals[0];
    input.prompt = positionals[1];
  } else if (positionals.size() == 1) {
    if (model)
      input.prompt = positionals[0];
    else if (prompt || classify(positionals[0], catalog) != RefKind::none)
      input.model = positionals[0];
    else
      input.prompt = positionals[0];
  }
  if (input.model && input.model->empty()) return Error{tr("the model's name is empty.")};
  return input;
}

std::string join_prompt(const std::optional<std::string>& prompt, const std::string& piped, bool raw) {
  if (raw) return piped + prompt.value_or("");
  std::string text = piped;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return prompt.value_or("");
  if (prompt && !prompt->empty()) text += "\n\n" + *prompt;
  return text;
}

}  // namespace mang::cli
