#include "serve/ollama_chat.h"

#include <chrono>
#include <utility>

#include "base/json_fields.h"
#include "chat/prompt_ids.h"
#include "engine/sampling_fields.h"
#include "serve/body.h"
#include "serve/chat_messages.h"
#include "serve/generation.h"
#include "serve/ollama_answer.h"
#include "serve/reasoning_wish.h"

namespace mang::serve {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostTop = 20;  // of the log probabilities beside a token's own

struct OllamaWish {
  GenerationRequest generation;  // no prompt: the model is only to be loaded
  bool stream = true;
  bool logprobs = false;
  std::vector<std::string> ignored;
};

bool is_set(const Json* value) { return value && !value->empty() && *value != "" && *value != false; }

Result<void> refuse(JsonFields& fields, std::initializer_list<const char*> later,
                    std::initializer_list<const char*> never) {
  for (const char* name : later) {
    if (is_set(fields.find(name))) return fail("'{}' is not served yet.", name);
  }
  for (const char* name : never) {
    if (is_set(fields.find(name))) return fail("'{}' is not served here.", name);
  }
  return {};
}

Result<void> read_length(JsonFields& options, SamplingParams& sampling) {
  std::optional<int64_t> most;
  MANG_TRY(options.whole("num_predict", most));
  if (!most) return {};
  if (*most < -2) return options.wrong("num_predict", fail("{} or more", -2));
  if (*most >= 0)
    sampling.max_tokens = most;
  else
    sampling.max_tokens.reset();  // −1: without end; −2: until the context is full, which comes first anyway
  return {};
}

Result<void> read_options(const Json& given, const ModelHost& host, OllamaWish& wish) {
  if (!given.is_object()) return fail("'{}' should be {}.", "options", fail("an object"));
  Json known = given;
  if (const auto seed = known.find("seed"); seed != known.end() && seed->is_number_integer() && *seed < 0) {
    known.erase(seed);  // any
  }
  JsonFields options(known, "options");
  SamplingParams& sampling = wish.generation.sampling;
  MANG_TRY(read_sampling(options, sampling));
  MANG_TRY(options.real("repeat_penalty", sampling.repetition_penalty));
  MANG_TRY(read_length(options, sampling));
  std::optional<int64_t> context;
  MANG_TRY(options.whole("num_ctx", context));
  if (context && *context > host.context()) {
    return fail("options: 'num_ctx' is {}, and this server holds {} tokens for this model. Ask for less.", *context,
                host.context());
  }
  for (const std::string& name : options.unknown()) wish.ignored.push_back("options." + name);
  return {};
}

Result<void> read_common(JsonFields& fields, const ModelHost& host, OllamaWish& wish) {
  SamplingParams& sampling = wish.generation.sampling;
  sampling = host.model().defaults;
  sampling.seed = random_seed();
  for (const char* name : {"model", "name", "keep_alive"}) (void)fields.find(name);
  MANG_TRY(fields.flag("stream", wish.stream));
  MANG_TRY(refuse(fields, {"format"}, {}));
  if (const Json* options = fields.find("options")) MANG_TRY(read_options(*options, host, wish));
  MANG_TRY(fields.flag("logprobs", wish.logprobs));
  std::optional<int32_t> top;
  MANG_TRY(fields.whole("top_logprobs", top));
  if (top && (*top < 0 || *top > kMostTop)) {
    return fields.wrong("top_logprobs", fail("a whole number from {} to {}", 0, kMostTop));
  }
  if (wish.logprobs) sampling.logprobs = top.value_or(0);
  return {};
}

// true, false, or how much.
Result<void> read_think(JsonFields& fields, const ChatTemplate& page, Json& variables) {
  const Json* think = fields.find("think");
  if (!think) return {};
  if (think->is_boolean()) return set_thinking("think", think->get<bool>(), page, variables);
  if (!think->is_string()) return fields.wrong("think", fail("true, false, low, medium or high"));
  return set_effort("think", think->get<std::string>(), page, variables);
}

// Ollama's names for what templates read → the names they read it by.
Result<Json> renamed(const Json& messages) {
  if (!messages.is_array()) return messages;
  Json out = messages;
  for (size_t i = 0; i < out.size(); ++i) {
    Json& message = out[i];
    if (!message.is_object()) continue;
    if (const auto images = message.find("images"); images != message.end() && is_set(&*images)) {
      return fail("messages[{}]: this model reads text, and no images.", i);
    }
    for (const auto& [theirs, ours] : {std::pair("thinking", "reasoning_content"), {"tool_name", "name"}}) {
      if (message.contains(theirs) && !message.contains(ours)) message[ours] = message[theirs];
    }
  }
  return out;
}

Result<void> read_conversation(JsonFields& fields, ModelHost& host, const Json& messages, OllamaWish& wish) {
  ChatRequest chat;
  MANG_TRY(chat.messages, template_messages(messages));
  MANG_TRY(const ChatTemplate* page, host.chat_template(false));
  MANG_TRY(read_think(fields, *page, chat.variables));
  chat.now = jinja::DateTime::local_now();
  MANG_TRY(std::vector<int32_t> prompt, chat_prompt_ids(*page, chat, host.tokenizer()));
  wish.generation.chat = true;
  wish.generation.prompts.push_back(std::move(prompt));
  return {};
}

Result<OllamaWish> read_chat(const Json& body, ModelHost& host) {
  JsonFields fields(body, "");
  OllamaWish wish;
  MANG_TRY(read_common(fields, host, wish));
  MANG_TRY(refuse(fields, {"tools"}, {}));
  const Json* given = fields.find("messages");
  if (is_set(given)) {
    MANG_TRY(const Json messages, renamed(*given));
    MANG_TRY(read_conversation(fields, host, messages, wish));
  }
  (void)fields.find("think");
  for (const std::string& name : fields.unknown()) wish.ignored.push_back(name);
  return wish;
}

Result<OllamaWish> read_generate(const Json& body, ModelHost& host) {
  JsonFields fields(body, "");
  OllamaWish wish;
  MANG_TRY(read_common(fields, host, wish));
  MANG_TRY(refuse(fields, {"suffix"}, {"images", "template", "context"}));
  std::string prompt, system;
  bool raw = false;
  MANG_TRY(fields.text("prompt", prompt));
  MANG_TRY(fields.text("system", system));
  MANG_TRY(fields.flag("raw", raw));
  if (raw && !system.empty()) return fail("'system' has no place where 'raw' is true. Leave one of them out.");
  if (raw && !prompt.empty()) {
    // Whoever does without the template writes its control tokens.
    wish.generation.prompts.push_back(host.tokenizer().encode(prompt, {.parse_special = true, .add_special = true}));
  } else if (!prompt.empty()) {
    Json messages = Json::array();
    if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
    messages.push_back({{"role", "user"}, {"content", prompt}});
    MANG_TRY(read_conversation(fields, host, messages, wish));
  }
  (void)fields.find("think");
  for (const std::string& name : fields.unknown()) wish.ignored.push_back(name);
  return wish;
}

std::string called(const Json& body, const ModelHost& host) {
  const auto model = body.find("model");
  return model != body.end() && model->is_string() ? model->get<std::string>() : host.model().name;
}

void add(Router& router, Service& service, const char* path, bool chat) {
  Route route{"POST", path, ollama_error};
  route.generates = true;
  route.handle = [&service, chat](const RequestPtr& sent, std::shared_ptr<Exchange> its_exchange) {
    const auto begun = Clock::now();
    auto answer = [chat, begun](const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr& request,
                                const std::shared_ptr<Exchange>& exchange) -> Result<void> {
      const std::chrono::duration<double> load = Clock::now() - begun;
      MANG_TRY(OllamaWish wish, chat ? read_chat(body, *host) : read_generate(body, *host));
      OllamaAnswerOptions options = {chat,  wish.stream, wish.logprobs, called(body, *host), std::move(wish.ignored),
                                     begun, load.count()};
      if (wish.generation.prompts.empty()) {
        exchange->respond(json_response(ollama_loaded(options)));
        return {};
      }
      auto listener = ollama_answer(exchange, host->tokenizer(), std::move(options));
      return generate_for(host, std::move(wish.generation), std::move(listener), request, exchange, ollama_error);
    };
    with_body_and_model(service, sent, std::move(its_exchange), ollama_error, std::move(answer));
  };
  router.add(std::move(route));
}

}  // namespace

void add_ollama_chat(Router& router, Service& service) {
  add(router, service, "/api/chat", true);
  add(router, service, "/api/generate", false);
}

}  // namespace mang::serve
