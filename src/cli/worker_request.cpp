#include "cli/worker_request.h"

#include <limits>
#include <map>

#include "base/json_fields.h"
#include "chat/messages.h"
#include "cli/messages.h"
#include "engine/sampling_fields.h"

namespace mang::cli {
namespace {

const std::map<std::string, WorkerVerb, std::less<>> kVerbs = {{"generate", WorkerVerb::generate},
                                                               {"tokenize", WorkerVerb::tokenize},
                                                               {"detokenize", WorkerVerb::detokenize},
                                                               {"logits", WorkerVerb::logits},
                                                               {"cancel", WorkerVerb::cancel}};

Result<void> read_sampling_object(const Json& object, SamplingParams& out) {
  if (!object.is_object()) return fail("'sampling' should be an object.");
  JsonFields fields(object, "sampling");
  MANG_TRY(read_sampling(fields, out));
  int64_t most = -1;
  MANG_TRY(fields.whole("max_tokens", most));
  if (most < -1) return fields.wrong("max_tokens", fail("a whole number from 0 on"));
  if (most >= 0) out.max_tokens = most;
  return fields.all_known();
}

Result<ChatRequest> read_chat(const Json& messages, JsonFields& fields) {
  ChatRequest chat;
  MANG_TRY(chat.messages, parse_messages(dump_json(messages), "messages"));
  if (const Json* tools = fields.find("tools")) {
    MANG_TRY(chat.tools, parse_tools(dump_json(*tools), "tools"));
  }
  if (const Json* variables = fields.find("variables")) {
    if (!variables->is_object()) return fields.wrong("variables", fail("an object"));
    chat.variables = *variables;
  }
  chat.now = jinja::DateTime::local_now();
  return chat;
}

Result<void> read_inputs(JsonFields& fields, WorkerRequest& request) {
  MANG_TRY(fields.text("text", request.text));
  if (const Json* ids = fields.find("ids")) {
    MANG_TRY(request.ids, read_token_ids(*ids, "ids", fields));
  }
  MANG_TRY(fields.flag("special", request.special));
  MANG_TRY(fields.flag("add_special", request.add_special));
  if (const Json* messages = fields.find("messages")) {
    MANG_TRY(request.chat, read_chat(*messages, fields));
  }
  if (const Json* sampling = fields.find("sampling")) MANG_TRY(read_sampling_object(*sampling, request.sampling));
  return fields.all_known();
}

// Exactly one of what the verb works on.
Result<void> check_inputs(const WorkerRequest& request) {
  const bool text = request.text.has_value(), ids = request.ids.has_value(), chat = request.chat.has_value();
  switch (request.verb) {
    case WorkerVerb::generate:
      if (text + ids + chat != 1) return Error{tr("generate: give one of 'messages', 'text' and 'ids'.")};
      return {};
    case WorkerVerb::tokenize:
      if (!text || ids || chat) return Error{tr("tokenize: give 'text'.")};
      return {};
    case WorkerVerb::detokenize:
      if (!ids || text || chat) return Error{tr("detokenize: give 'ids'.")};
      return {};
    case WorkerVerb::logits:
      if (text + ids != 1 || chat) return Error{tr("logits: give one of 'text' and 'ids'.")};
      return {};
    case WorkerVerb::cancel:
      break;
  }
  return {};
}

}  // namespace

std::optional<int64_t> worker_request_id(const Json& line) {
  if (!line.is_object()) return std::nullopt;
  const auto at = line.find("id");
  if (at == line.end() || !at->is_number_unsigned()) return std::nullopt;
  if (at->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return at->get<int64_t>();
}

Result<WorkerRequest> parse_worker_request(const Json& line, const SamplingParams& defaults) {
  if (!line.is_object()) return Error{tr("a request is a JSON object on one line.")};
  JsonFields fields(line, tr("request"));
  WorkerRequest request;
  request.sampling = defaults;
  const std::optional<int64_t> id = worker_request_id(line);
  if (!id) return fields.wrong("id", fail("a whole number from 0 on"));
  (void)fields.find("id");
  request.id = *id;
  std::optional<std::string> verb;
  MANG_TRY(fields.text("do", verb));
  const auto known = kVerbs.find(verb.value_or(""));
  if (known == kVerbs.end()) {
    return fields.wrong("do", fail("one of generate, tokenize, detokenize, logits, cancel"));
  }
  request.verb = known->second;
  MANG_TRY(read_inputs(fields, request));
  MANG_TRY(check_inputs(request));
  return request;
}

}  // namespace mang::cli
