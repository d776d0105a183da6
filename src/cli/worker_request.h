// What a worker is asked: a line of JSON, checked field by field. docs/python.md describes the protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "chat/template.h"
#include "engine/sampling_params.h"

namespace mang::cli {

enum class WorkerVerb { generate, tokenize, detokenize, logits, cancel };

struct WorkerRequest {
  int64_t id = 0;
  WorkerVerb verb = WorkerVerb::generate;
  std::optional<ChatRequest> chat;  // generate: a conversation …
  std::optional<std::string> text;  // … or bytes to go on with; tokenize, logits: a text
  std::optional<std::vector<int32_t>> ids;
  SamplingParams sampling;
  bool special = false;      // control tokens written in `text` are read as such, and shown in answers
  bool add_special = false;  // tokenize, logits: with the beginning-of-text token and the like
};

// `defaults`: the publisher's sampling, which the request may change. Unknown fields are refused, so that a misspelt one
// is noticed.
Result<WorkerRequest> parse_worker_request(const Json& line, const SamplingParams& defaults);

// The id of a line that may be nonsense.
std::optional<int64_t> worker_request_id(const Json& line);

}  // namespace mang::cli
