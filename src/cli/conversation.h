// `mang run` at a terminal without a prompt: turn by turn until Ctrl-D or /bye.
#pragma once

#include "chat/template.h"
#include "cli/run_output.h"

namespace mang::cli {

// A conversation of nothing but the system message, if there is one; the date is now.
ChatRequest new_conversation(const std::string& system);

// Ctrl-C stops an answer and the conversation goes on; an answer that fails leaves it as it was.
Result<int> converse(Answerer& answerer, const std::string& system, const RunOutput& options, Context& context);

}  // namespace mang::cli
