// What the ids of a prompt were made of, as a receipt holds it, and whether they are what it gives.
//   {"kind": "chat", "messages": […], "tools": null, "variables": {…}, "now": null or "2026-07-29T08:30:15"}
//   {"kind": "raw", "text": "…"}
//   null: bytes that are not UTF-8, which JSON cannot hold
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "chat/template.h"
#include "engine/receipt.h"
#include "load/load_model.h"
#include "text/tokenizer.h"

namespace mang::cli {

// page: the template that renders the request. The date is kept only where the template writes it.
Json chat_source(const ChatRequest& request, const ChatTemplate& page);
Json raw_source(const std::string& bytes);
bool is_chat(const Json& source);

// What the receipt says about its prompt and is not so: another chat template, or ids that its text does not give.
// nullopt: nothing. An error: the source is none that this program knows, or nothing can be made of it.
// path: of the model, for errors.
Result<std::optional<Error>> wrong_prompt(const Receipt& receipt, const ModelText& text, const std::string& path,
                                          const Tokenizer& tokenizer);

}  // namespace mang::cli
