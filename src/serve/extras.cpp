#include "serve/extras.h"

#include "base/json_fields.h"
#include "chat/messages.h"
#include "chat/template.h"
#include "engine/collect_logits.h"
#include "engine/sampling_fields.h"
#include "serve/body.h"
#include "serve/chat_messages.h"
#include "serve/reasoning_wish.h"

namespace mang::serve {

namespace {

// True as long as requests can be answered: the first model is in memory, and the server is not on its way out.
bool ready(const Service& service) { return !service.ending.load() && service.shelf.open_one("") != nullptr; }

Result<void> tokenize(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr&,
                      const std::shared_ptr<Exchange>& exchange) {
  JsonFields fields(body, "");
  std::optional<std::string> content;
  bool add_special = false, parse_special = true, with_pieces = false;
  MANG_TRY(fields.text("content", content));
  MANG_TRY(fields.flag("add_special", add_special));
  MANG_TRY(fields.flag("parse_special", parse_special));
  MANG_TRY(fields.flag("with_pieces", with_pieces));
  if (!content) return fields.wrong("content", fail("a string"));
  const Tokenizer& tokenizer = host->tokenizer();
  Json tokens = Json::array();
  for (const int32_t id : tokenizer.encode(*content, {.parse_special = parse_special, .add_special = add_special})) {
    if (!with_pieces) {
      tokens.push_back(id);
      continue;
    }
    tokens.push_back({{"id", id}, {"piece", std::string(tokenizer.token_text(id))}});
  }
  exchange->respond(json_response({{"tokens", std::move(tokens)}}));
  return {};
}

Result<void> detokenize(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr&,
                        const std::shared_ptr<Exchange>& exchange) {
  JsonFields fields(body, "");
  const Json* tokens = fields.find("tokens");
  MANG_TRY(const std::vector<int32_t> ids, read_token_ids(tokens ? *tokens : Json(), "tokens", fields));
  MANG_TRY(check_ids(ids, host->tokenizer().vocab_size()));
  exchange->respond(json_response({{"content", host->tokenizer().decode(ids)}}));
  return {};
}

Result<void> apply_template(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr&,
                            const std::shared_ptr<Exchange>& exchange) {
  JsonFields fields(body, "");
  ChatRequest chat;
  const Json* messages = fields.find("messages");
  MANG_TRY(chat.messages, template_messages(messages ? *messages : Json()));
  if (const Json* tools = fields.find("tools")) {
    MANG_TRY(chat.tools, parse_tools(dump_json(*tools), "tools"));
  }
  MANG_TRY(const ChatTemplate* page, host->chat_template(!chat.tools.is_null()));
  MANG_TRY(read_reasoning_wish(fields, *page, chat.variables));
  MANG_TRY(fields.flag("add_generation_prompt", chat.add_generation_prompt));
  chat.now = jinja::DateTime::local_now();
  MANG_TRY(const std::string prompt, page->render(chat));
  exchange->respond(json_response({{"prompt", prompt}}));
  return {};
}

void add_post(Router& router, Service& service, const char* path, const BodyHandler& handler) {
  Route route{"POST", path};
  route.handle = [&service, handler](const RequestPtr& request, std::shared_ptr<Exchange> exchange) {
    with_body_and_model(service, request, std::move(exchange), openai_error, handler);
  };
  router.add(std::move(route));
}

}  // namespace

void add_extras(Router& router, Service& service) {
  Route health{"GET", "/health"};
  health.open = true;
  health.where = Where::at_once;
  health.handle = [](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    exchange->respond(json_response({{"status", "ok"}}));
  };
  router.add(std::move(health));

  Route readiness{"GET", "/ready"};
  readiness.open = true;
  readiness.where = Where::at_once;
  readiness.handle = [&service](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    const bool good = ready(service);
    exchange->respond(json_response({{"ready", good}}, good ? 200 : 503));
  };
  router.add(std::move(readiness));

  add_post(router, service, "/tokenize", tokenize);
  add_post(router, service, "/detokenize", detokenize);
  add_post(router, service, "/apply-template", apply_template);
}

}  // namespace mang::serve
