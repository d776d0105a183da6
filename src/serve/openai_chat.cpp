#include "serve/openai_chat.h"

#include <utility>

#include "base/json_fields.h"
#include "chat/messages.h"
#include "chat/prompt_ids.h"
#include "engine/sampling_fields.h"
#include "serve/body.h"
#include "serve/chat_messages.h"
#include "serve/event_stream.h"
#include "serve/generation.h"
#include "serve/openai_fields.h"
#include "serve/openai_words.h"
#include "serve/reasoning_wish.h"

namespace mang::serve {

namespace {

constexpr int kMostChoices = 128;
constexpr int kMostTop = 20;  // of the log probabilities beside a token's own

struct ChatWish {
  GenerationRequest generation;
  bool stream = false;
  bool usage_chunk = false;
  bool logprobs = false;
  std::vector<std::string> ignored;
};

Result<void> read_output_options(JsonFields& fields, ChatWish& wish) {
  MANG_TRY(read_stream_options(fields, wish.stream, wish.usage_chunk));
  MANG_TRY(fields.whole("n", wish.generation.choices));
  if (wish.generation.choices < 1 || wish.generation.choices > kMostChoices) {
    return fields.wrong("n", fail("a whole number from 1 to {}", kMostChoices));
  }
  MANG_TRY(fields.flag("logprobs", wish.logprobs));
  std::optional<int32_t> top;
  MANG_TRY(fields.whole("top_logprobs", top));
  if (top && (*top < 0 || *top > kMostTop)) {
    return fields.wrong("top_logprobs", fail("a whole number from {} to {}", 0, kMostTop));
  }
  if (top && !wish.logprobs) return fail("'top_logprobs' needs 'logprobs': true.");
  if (wish.logprobs) wish.generation.sampling.logprobs = top.value_or(0);
  return {};
}

Result<void> read_length(JsonFields& fields, SamplingParams& sampling) {
  std::optional<int64_t> newer, older;
  MANG_TRY(fields.whole("max_completion_tokens", newer));
  MANG_TRY(fields.whole("max_tokens", older));
  if (newer) older = newer;
  if (older && *older < 1) return fields.wrong(newer ? "max_completion_tokens" : "max_tokens", fail("1 or more"));
  if (older) sampling.max_tokens = older;
  return {};
}

// What cannot be done is refused, and never left out in silence.
Result<void> refuse_what_is_missing(JsonFields& fields) {
  if (const Json* tools = fields.find("tools"); tools && !tools->empty()) {
    return fail("'{}' is not served yet.", "tools");
  }
  (void)fields.find("tool_choice");
  (void)fields.find("parallel_tool_calls");
  if (const Json* format = fields.find("response_format")) {
    if (*format != Json{{"type", "text"}}) return fail("'{}' is not served yet.", "response_format");
  }
  if (const Json* modalities = fields.find("modalities")) {
    if (*modalities != Json::array({"text"})) return fail("'modalities': this server answers in text alone.");
  }
  for (const char* name : {"audio", "prediction", "web_search_options", "functions", "function_call"}) {
    if (fields.find(name)) return fail("'{}' is not served here.", name);
  }
  return {};
}

Result<ChatWish> read_wish(const Json& body, ModelHost& host) {
  JsonFields fields(body, "");
  ChatWish wish;
  wish.generation.chat = true;
  SamplingParams& sampling = wish.generation.sampling;
  sampling = host.model().defaults;
  sampling.seed = random_seed();
  (void)fields.find("model");
  MANG_TRY(refuse_what_is_missing(fields));
  MANG_TRY(read_sampling(fields, sampling));
  MANG_TRY(read_length(fields, sampling));
  MANG_TRY(read_output_options(fields, wish));

  ChatRequest chat;
  const Json* messages = fields.find("messages");
  MANG_TRY(chat.messages, template_messages(messages ? *messages : Json()));
  MANG_TRY(const ChatTemplate* page, host.chat_template(false));
  MANG_TRY(read_reasoning_wish(fields, *page, chat.variables));
  chat.now = jinja::DateTime::local_now();
  find_harmless(fields);
  wish.ignored = fields.unknown();
  MANG_TRY(std::vector<int32_t> prompt, chat_prompt_ids(*page, chat, host.tokenizer()));
  wish.generation.prompts.push_back(std::move(prompt));
  return wish;
}

// Answers one request: in chunks as it is written, or as a whole.
class ChatAnswer final : public GenerationListener {
 public:
  ChatAnswer(std::shared_ptr<Exchange> exchange, const ChatWish& wish, const ModelHost& host)
      : exchange_(exchange),
        events_(std::move(exchange)),
        tokenizer_(host.tokenizer()),
        model_(host.model().name),
        stream_(wish.stream),
        usage_chunk_(wish.usage_chunk),
        logprobs_(wish.logprobs),
        ignored_(wish.ignored),
        choices_(static_cast<size_t>(wish.generation.choices)) {}

  void on_part(int index, const ChoicePart& part) override {
    Choice& choice = choices_[static_cast<size_t>(index)];
    if (stream_) {
      begin(choice, index);
      Json delta = Json::object();
      if (!part.reasoning.empty()) delta["reasoning_content"] = delta["reasoning"] = part.reasoning;
      if (!part.text.empty()) delta["content"] = part.text;
      const bool report = logprobs_ && part.token;
      if (delta.empty() && !report) return;
      return send_chunk(index, std::move(delta), report ? logprobs_of(*part.token) : Json(), nullptr);
    }
    choice.reasoning += part.reasoning;
    choice.text += part.text;
    if (logprobs_ && part.token) choice.logprobs.push_back(chat_logprob(*part.token, tokenizer_));
  }

  void on_end(int index, const ChoiceEnd& end) override {
    Choice& choice = choices_[static_cast<size_t>(index)];
    choice.end = end;
    ++ended_;
    if (stream_) {
      begin(choice, index);
      send_chunk(index, Json::object(), nullptr, openai_finish_reason(end.reason));
    }
    if (ended_ < choices_.size()) return;
    if (stream_) {
      end_stream();
    } else {
      respond();
    }
  }

  void on_error(const Error& error) override { events_.end_with({500, error, "model_failed", {}}); }

 private:
  struct Choice {
    std::string reasoning, text;
    Json logprobs = Json::array();
    ChoiceEnd end;
    bool begun = false;
  };

  void begin(Choice& choice, int index) {
    if (choice.begun) return;
    choice.begun = true;
    send_chunk(index, {{"role", "assistant"}, {"content", ""}}, nullptr, nullptr);
  }

  [[nodiscard]] Json head(const char* object) const {
    return {{"id", id_}, {"object", object}, {"created", created_}, {"model", model_}, {"system_fingerprint", nullptr}};
  }

  Json logprobs_of(const SampledToken& token) const {
    return {{"content", Json::array({chat_logprob(token, tokenizer_)})}, {"refusal", nullptr}};
  }

  void send_chunk(int index, Json delta, Json logprobs, Json finish_reason) {
    Json chunk = head("chat.completion.chunk");
    chunk["choices"] = Json::array({Json{{"index", index},
                                         {"delta", std::move(delta)},
                                         {"logprobs", std::move(logprobs)},
                                         {"finish_reason", std::move(finish_reason)}}});
    if (usage_chunk_) chunk["usage"] = nullptr;
    events_.send(chunk);
  }

  [[nodiscard]] std::vector<ChoiceEnd> ends() const {
    std::vector<ChoiceEnd> out;
    for (const Choice& choice : choices_) out.push_back(choice.end);
    return out;
  }

  void add_figures(Json& answer) const { add_openai_figures(ends(), choices_.size(), ignored_, answer); }

  void end_stream() {
    if (usage_chunk_) {
      Json chunk = head("chat.completion.chunk");
      chunk["choices"] = Json::array();
      add_figures(chunk);
      events_.send(chunk);
    }
    events_.done();
  }

  void respond() {
    Json answer = head("chat.completion");
    answer["choices"] = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) {
      Choice& choice = choices_[i];
      Json message = {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
      if (!choice.reasoning.empty()) message["reasoning_content"] = message["reasoning"] = choice.reasoning;
      answer["choices"].push_back(
          {{"index", i},
           {"message", std::move(message)},
           {"logprobs", logprobs_ ? Json{{"content", std::move(choice.logprobs)}, {"refusal", nullptr}} : Json()},
           {"finish_reason", openai_finish_reason(choice.end.reason)}});
    }
    add_figures(answer);
    exchange_->respond(json_response(answer));
  }

  std::shared_ptr<Exchange> exchange_;
  EventStream events_;
  const Tokenizer& tokenizer_;
  std::string model_;
  bool stream_, usage_chunk_, logprobs_;
  std::vector<std::string> ignored_;
  std::vector<Choice> choices_;
  size_t ended_ = 0;
  std::string id_ = new_id("chatcmpl-");
  int64_t created_ = unix_time();
};

Result<void> answer_chat(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr& request,
                         const std::shared_ptr<Exchange>& exchange) {
  MANG_TRY(ChatWish wish, read_wish(body, *host));
  auto answer = std::make_shared<ChatAnswer>(exchange, wish, *host);
  return generate_for(host, std::move(wish.generation), std::move(answer), request, exchange, openai_error);
}

}  // namespace

void add_openai_chat(Router& router, Service& service) {
  Route route{"POST", "/v1/chat/completions", openai_error};
  route.generates = true;
  route.handle = [&service](const RequestPtr& request, std::shared_ptr<Exchange> exchange) {
    with_body_and_model(service, request, std::move(exchange), openai_error, answer_chat);
  };
  router.add(std::move(route));
}

}  // namespace mang::serve
