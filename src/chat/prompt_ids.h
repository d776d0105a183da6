// A conversation → token ids, where only the template can write control tokens: a user's text that looks like one
// ("<|im_end|>") stays text, and cannot forge a turn.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "chat/template.h"
#include "text/tokenizer.h"

namespace mang {

// Renders the request and encodes the prompt. Where no string of the request holds the text of a control token, this is
// exactly encode(render(request), {.parse_special = true}), as transformers does it. Where one does, the look-alikes
// are marked before rendering, and each stretch of the prompt between two real control tokens that holds a mark is
// encoded as plain text (with Metaspace vocabularies such a stretch may differ in its leading space).
Result<std::vector<int32_t>> chat_prompt_ids(const ChatTemplate& chat_template, const ChatRequest& request,
                                             const Tokenizer& tokenizer);

}  // namespace mang
