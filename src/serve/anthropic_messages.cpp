#include "serve/anthropic_messages.h"

#include <utility>

#include "base/json_fields.h"
#include "chat/prompt_ids.h"
#include "engine/sampling_fields.h"
#include "serve/anthropic_answer.h"
#include "serve/anthropic_history.h"
#include "serve/body.h"
#include "serve/generation.h"
#include "serve/reasoning_wish.h"

namespace mang::serve {

namespace {

struct MessagesWish {
  GenerationRequest generation;
  bool stream = false;
  std::vector<std::string> ignored;
};

// What changes nothing in the answer here.
constexpr const char* kHarmless[] = {"model",         "metadata",    "service_tier", "cache_control",
                                     "inference_geo", "diagnostics", "tool_choice"};

Result<void> refuse_what_is_missing(JsonFields& fields) {
  if (const Json* tools = fields.find("tools"); tools && !tools->empty()) {
    return fail("'{}' is not served yet.", "tools");
  }
  for (const char* name : {"mcp_servers", "container"}) {
    if (const Json* found = fields.find(name); found && !found->empty()) return fail("'{}' is not served here.", name);
  }
  if (fields.find("output_format")) return fail("'{}' is not served yet.", "output_format");
  return {};
}

void add_unknown(const JsonFields& fields, const std::string& prefix, std::vector<std::string>& to) {
  for (const std::string& name : fields.unknown()) to.push_back(prefix + name);
}

Result<void> read_thinking(JsonFields& fields, const ChatTemplate& page, Json& variables,
                           std::vector<std::string>& ignored) {
  const Json* thinking = fields.find("thinking");
  if (!thinking) return {};
  if (!thinking->is_object()) return fields.wrong("thinking", fail("an object"));
  JsonFields inner(*thinking, "thinking");
  std::string type;
  MANG_TRY(inner.text("type", type));
  // Adaptive is what a model's template does when it is told nothing.
  if (type == "enabled" || type == "disabled") {
    MANG_TRY(set_thinking("thinking", type == "enabled", page, variables));
  } else if (type != "adaptive" && type != "between_tools") {
    return inner.wrong("type", fail("enabled, disabled or adaptive"));
  }
  add_unknown(inner, "thinking.", ignored);  // budget_tokens too: it cannot be kept
  return {};
}

Result<void> read_output_config(JsonFields& fields, const ChatTemplate& page, Json& variables,
                                std::vector<std::string>& ignored) {
  const Json* config = fields.find("output_config");
  if (!config) return {};
  if (!config->is_object()) return fields.wrong("output_config", fail("an object"));
  JsonFields inner(*config, "output_config");
  if (inner.find("format")) return fail("'{}' is not served yet.", "output_config.format");
  if (page.mentions("reasoning_effort")) {
    std::optional<std::string> effort;
    MANG_TRY(inner.text("effort", effort));
    if (effort) {
      MANG_TRY(set_effort("output_config.effort", *effort == "max" ? "xhigh" : *effort, page, variables));
    }
  }
  add_unknown(inner, "output_config.", ignored);
  return {};
}

// Everything but how the answer is drawn.
Result<std::vector<int32_t>> read_prompt(JsonFields& fields, ModelHost& host, std::vector<std::string>& ignored) {
  MANG_TRY(refuse_what_is_missing(fields));
  ChatRequest chat;
  const Json* system = fields.find("system");
  MANG_TRY(chat.messages, messages_from_anthropic(system, fields.find("messages")));
  MANG_TRY(const ChatTemplate* page, host.chat_template(false));
  MANG_TRY(read_thinking(fields, *page, chat.variables, ignored));
  MANG_TRY(read_output_config(fields, *page, chat.variables, ignored));
  for (const char* name : kHarmless) (void)fields.find(name);
  chat.now = jinja::DateTime::local_now();
  return chat_prompt_ids(*page, chat, host.tokenizer());
}

Result<void> read_stops(JsonFields& fields, SamplingParams& sampling) {
  const Json* stops = fields.find("stop_sequences");
  if (!stops) return {};
  const Error expected = fail("an array of strings");
  if (!stops->is_array()) return fields.wrong("stop_sequences", expected);
  for (const Json& each : *stops) {
    if (!each.is_string()) return fields.wrong("stop_sequences", expected);
    sampling.stop.push_back(each.get<std::string>());
  }
  return {};
}

Result<MessagesWish> read_wish(const Json& body, ModelHost& host) {
  JsonFields fields(body, "");
  MessagesWish wish;
  wish.generation.chat = true;
  SamplingParams& sampling = wish.generation.sampling;
  sampling = host.model().defaults;
  sampling.seed = random_seed();
  MANG_TRY(read_sampling(fields, sampling));
  MANG_TRY(read_stops(fields, sampling));
  std::optional<int64_t> most;
  MANG_TRY(fields.whole("max_tokens", most));
  if (!most || *most < 1) return fields.wrong("max_tokens", fail("1 or more"));
  sampling.max_tokens = most;
  MANG_TRY(fields.flag("stream", wish.stream));
  MANG_TRY(std::vector<int32_t> prompt, read_prompt(fields, host, wish.ignored));
  wish.generation.prompts.push_back(std::move(prompt));
  add_unknown(fields, "", wish.ignored);
  return wish;
}

Result<void> answer_messages(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr& request,
                             const std::shared_ptr<Exchange>& exchange) {
  MANG_TRY(MessagesWish wish, read_wish(body, *host));
  const auto prompt_tokens = static_cast<int64_t>(wish.generation.prompts[0].size());
  auto answer = anthropic_answer(exchange, {host->model().name, wish.stream, prompt_tokens, std::move(wish.ignored)});
  return generate_for(host, std::move(wish.generation), std::move(answer), request, exchange, anthropic_error);
}

Result<void> count_tokens(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr&,
                          const std::shared_ptr<Exchange>& exchange) {
  JsonFields fields(body, "");
  std::vector<std::string> ignored;
  MANG_TRY(const std::vector<int32_t> prompt, read_prompt(fields, *host, ignored));
  exchange->respond(json_response({{"input_tokens", prompt.size()}}));
  return {};
}

void add(Router& router, Service& service, const char* path, bool generates, const BodyHandler& handler) {
  Route route{"POST", path, anthropic_error};
  route.generates = generates;
  route.handle = [&service, handler](const RequestPtr& request, std::shared_ptr<Exchange> exchange) {
    with_body_and_model(service, request, std::move(exchange), anthropic_error, handler);
  };
  router.add(std::move(route));
}

}  // namespace

void add_anthropic_messages(Router& router, Service& service) {
  add(router, service, "/v1/messages", true, answer_messages);
  add(router, service, "/v1/messages/count_tokens", false, count_tokens);
}

}  // namespace mang::serve
