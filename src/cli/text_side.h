// The text side of a model for commands that need no weights.
#pragma once

#include <string>

#include "base/result.h"
#include "chat/template.h"
#include "cli/context.h"
#include "load/load_model.h"
#include "text/tokenizer.h"

namespace mang::cli {

// A model's tokenizer, from any way to name a model.
Result<Tokenizer> open_tokenizer(const std::string& model, const Context& context);

// The chat template for a request: with tools, the one named "tool_use" where the model has it; else "default".
Result<ChatTemplate> open_template(const ModelText& text, const std::string& path, bool with_tools);

}  // namespace mang::cli
