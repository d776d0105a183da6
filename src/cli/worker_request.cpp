#include "cli/worker_request.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>

#include "chat/messages.h"
#include "cli/messages.h"

namespace mang::cli {
namespace {

const std::map<std::string, WorkerVerb, std::less<>> kVerbs = {{"generate", WorkerVerb::generate},
                                                               {"tokenize", WorkerVerb::tokenize},
                                                               {"detokenize", WorkerVerb::detokenize},
                                                               {"logits", WorkerVerb::logits},
                                                               {"cancel", WorkerVerb::cancel}};

// The fields of an object, each taken once with its type checked; what is left at the end was not known.
class Fields {
 public:
  Fields(const Json& object, std::string_view what) : object_(object), what_(what) {}

  Result<void> flag(const char* name, bool& out) {
    const Json* value = find(name);
    if (!value) return {};
    if (!value->is_boolean()) return wrong(name, tr("true or false"));
    out = value->get<bool>();
    return {};
  }
  template <typename Float>
  Result<void> real(const char* name, Float& out) {
    const Json* value = find(name);
    if (!value) return {};
    if (!value->is_number()) return wrong(name, tr("a number"));
    out = static_cast<Float>(value->get<double>());
    return {};
  }
  template <typename Integer>
  Result<void> whole(const char* name, Integer& out) {
    const Json* value = find(name);
    if (!value) return {};
    const bool fits = value->is_number_unsigned()
                          ? value->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<Integer>::max())
                          : value->is_number_integer() && std::numeric_limits<Integer>::is_signed &&
                                value->get<int64_t>() >= static_cast<int64_t>(std::numeric_limits<Integer>::min());
    if (!fits) return wrong(name, tr("a whole number in range"));
    out = value->get<Integer>();
    return {};
  }
  Result<void> text(const char* name, std::optional<std::string>& out) {
    const Json* value = find(name);
    if (!value) return {};
    if (!value->is_string()) return wrong(name, tr("a string"));
    out = value->get<std::string>();
    return {};
  }
  // null counts as left out.
  const Json* find(const char* name) {
    const auto at = object_.find(name);
    if (at == object_.end()) return nullptr;
    names_.emplace_back(name);
    return at->is_null() ? nullptr : &*at;
  }
  [[nodiscard]] Error wrong(const char* name, const std::string& expected) const {
    return Error{say("{}: '{}' should be {}.", what_, name, expected)};
  }
  [[nodiscard]] Result<void> all_known() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
        return Error{say("{}: the field '{}' is not known here.", what_, name)};
      }
    }
    return {};
  }

 private:
  const Json& object_;
  std::string what_;
  std::vector<std::string> names_;
};

Result<void> read_stops(const Json& value, Fields& fields, SamplingParams& out) {
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& each : list) {
    if (!each.is_string()) return fields.wrong("stop", tr("a string or an array of strings"));
    out.stop.push_back(each.get<std::string>());
  }
  return {};
}

// {"42": -1.5}: JSON has no infinity, so null bans a token.
Result<void> read_biases(const Json& value, Fields& fields, SamplingParams& out) {
  const std::string expected = tr("an object such as {\"42\": -1.5}, where null bans a token");
  if (!value.is_object()) return fields.wrong("logit_bias", expected);
  for (const auto& [name, bias] : value.items()) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (error != std::errc() || end != name.data() + name.size() || !(bias.is_number() || bias.is_null())) {
      return fields.wrong("logit_bias", expected);
    }
    out.logit_bias.emplace_back(
        id, bias.is_null() ? -std::numeric_limits<float>::infinity() : static_cast<float>(bias.get<double>()));
  }
  return {};
}

Result<void> read_sampling(const Json& object, SamplingParams& out) {
  if (!object.is_object()) return Error{tr("'sampling' should be an object.")};
  Fields fields(object, "sampling");
  MANG_TRY(fields.real("temperature", out.temperature));
  MANG_TRY(fields.whole("top_k", out.top_k));
  MANG_TRY(fields.real("top_p", out.top_p));
  MANG_TRY(fields.real("min_p", out.min_p));
  MANG_TRY(fields.real("repetition_penalty", out.repetition_penalty));
  MANG_TRY(fields.real("presence_penalty", out.presence_penalty));
  MANG_TRY(fields.real("frequency_penalty", out.frequency_penalty));
  MANG_TRY(fields.whole("seed", out.seed));
  MANG_TRY(fields.flag("ignore_eos", out.ignore_eog));
  int64_t most = -1;
  MANG_TRY(fields.whole("max_tokens", most));
  if (most < -1) return fields.wrong("max_tokens", tr("a whole number from 0 on"));
  if (most >= 0) out.max_tokens = most;
  if (const Json* stops = fields.find("stop")) MANG_TRY(read_stops(*stops, fields, out));
  if (const Json* biases = fields.find("logit_bias")) MANG_TRY(read_biases(*biases, fields, out));
  return fields.all_known();
}

Result<std::vector<int32_t>> read_ids(const Json& value, Fields& fields) {
  const std::string expected = tr("an array of token ids");
  if (!value.is_array()) return fields.wrong("ids", expected);
  std::vector<int32_t> ids;
  ids.reserve(value.size());
  for (const Json& each : value) {
    const bool fits = each.is_number_unsigned() && each.get<uint64_t>() <= std::numeric_limits<int32_t>::max();
    if (!fits) return fields.wrong("ids", expected);
    ids.push_back(each.get<int32_t>());
  }
  return ids;
}

Result<ChatRequest> read_chat(const Json& messages, Fields& fields) {
  ChatRequest chat;
  MANG_TRY(chat.messages, parse_messages(dump_json(messages), "messages"));
  if (const Json* tools = fields.find("tools")) {
    MANG_TRY(chat.tools, parse_tools(dump_json(*tools), "tools"));
  }
  if (const Json* variables = fields.find("variables")) {
    if (!variables->is_object()) return fields.wrong("variables", tr("an object"));
    chat.variables = *variables;
  }
  chat.now = jinja::DateTime::local_now();
  return chat;
}

Result<void> read_inputs(Fields& fields, WorkerRequest& request) {
  MANG_TRY(fields.text("text", request.text));
  if (const Json* ids = fields.find("ids")) {
    MANG_TRY(request.ids, read_ids(*ids, fields));
  }
  MANG_TRY(fields.flag("special", request.special));
  MANG_TRY(fields.flag("add_special", request.add_special));
  if (const Json* messages = fields.find("messages")) {
    MANG_TRY(request.chat, read_chat(*messages, fields));
  }
  if (const Json* sampling = fields.find("sampling")) MANG_TRY(read_sampling(*sampling, request.sampling));
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
  Fields fields(line, tr("request"));
  WorkerRequest request;
  request.sampling = defaults;
  const std::optional<int64_t> id = worker_request_id(line);
  if (!id) return fields.wrong("id", tr("a whole number from 0 on"));
  (void)fields.find("id");
  request.id = *id;
  std::optional<std::string> verb;
  MANG_TRY(fields.text("do", verb));
  const auto known = kVerbs.find(verb.value_or(""));
  if (known == kVerbs.end()) {
    return fields.wrong("do", tr("one of generate, tokenize, detokenize, logits, cancel"));
  }
  request.verb = known->second;
  MANG_TRY(read_inputs(fields, request));
  MANG_TRY(check_inputs(request));
  return request;
}

}  // namespace mang::cli
