#include "serve/openai_completions.h"

#include <utility>

#include "base/json_fields.h"
#include "engine/sampling_fields.h"
#include "serve/body.h"
#include "serve/completion_logprobs.h"
#include "serve/event_stream.h"
#include "serve/generation.h"
#include "serve/openai_fields.h"
#include "serve/openai_words.h"

namespace mang::serve {

namespace {

constexpr int kMostChoices = 128;
constexpr size_t kMostAnswers = 2048;  // of one request: prompts times choices
constexpr int64_t kUsualLength = 16;   // tokens of an answer, as OpenAI's documentation says

struct CompletionWish {
  GenerationRequest generation;
  std::vector<std::string> echoes;  // the text of each prompt, where it is to stand before the answer
  bool stream = false;
  bool usage_chunk = false;
  bool logprobs = false;
  std::vector<std::string> ignored;
};

// A text is continued as `mang run --raw` does: control tokens in it are such, and the tokenizer's own are added.
Result<void> read_prompt(const Json& prompt, const JsonFields& fields, const Tokenizer& tokenizer, bool echo,
                         CompletionWish& wish) {
  std::vector<int32_t> ids;
  if (prompt.is_string()) {
    ids = tokenizer.encode(prompt.get<std::string>(), {.parse_special = true, .add_special = true});
  } else {
    MANG_TRY(ids, read_token_ids(prompt, "prompt", fields));
  }
  if (ids.empty()) return fail("The prompt is empty: there is nothing to continue.");
  if (echo) wish.echoes.push_back(prompt.is_string() ? prompt.get<std::string>() : tokenizer.decode(ids));
  wish.generation.prompts.push_back(std::move(ids));
  return {};
}

Result<void> read_prompts(JsonFields& fields, const Tokenizer& tokenizer, bool echo, CompletionWish& wish) {
  const Json* prompt = fields.find("prompt");
  if (!prompt) return fields.wrong("prompt", fail("a text, an array of token ids, or an array of several of these"));
  const bool several = prompt->is_array() && !prompt->empty() && !(*prompt)[0].is_number();
  if (!several) return read_prompt(*prompt, fields, tokenizer, echo, wish);
  const size_t answers = prompt->size() * static_cast<size_t>(wish.generation.choices);
  if (answers > kMostAnswers) return fail("'prompt' and 'n': {} answers at most.", kMostAnswers);
  for (const Json& each : *prompt) MANG_TRY(read_prompt(each, fields, tokenizer, echo, wish));
  return {};
}

Result<void> read_choices(JsonFields& fields, CompletionWish& wish) {
  int& choices = wish.generation.choices;
  MANG_TRY(fields.whole("n", choices));
  if (choices < 1 || choices > kMostChoices)
    return fields.wrong("n", fail("a whole number from 1 to {}", kMostChoices));
  int best_of = choices;
  MANG_TRY(fields.whole("best_of", best_of));
  if (best_of != choices) return fail("'best_of' must be the same as 'n': no choice is thrown away here.");
  if (fields.find("suffix")) return fail("'{}' is not served here.", "suffix");
  return {};
}

Result<CompletionWish> read_wish(const Json& body, const ModelHost& host) {
  JsonFields fields(body, "");
  CompletionWish wish;
  SamplingParams& sampling = wish.generation.sampling;
  sampling = host.model().defaults;
  sampling.seed = random_seed();
  sampling.max_tokens = kUsualLength;
  (void)fields.find("model");
  bool echo = false;
  MANG_TRY(fields.flag("echo", echo));
  MANG_TRY(read_sampling(fields, sampling));
  MANG_TRY(fields.whole("max_tokens", sampling.max_tokens));
  MANG_TRY(read_choices(fields, wish));
  MANG_TRY(read_stream_options(fields, wish.stream, wish.usage_chunk));
  MANG_TRY(fields.whole("logprobs", sampling.logprobs));
  wish.logprobs = sampling.logprobs.has_value();
  if (echo && wish.logprobs) wish.generation.prompt_logprobs = sampling.logprobs;
  if (wish.logprobs && sampling.max_tokens == 0 && !echo) sampling.logprobs.reset();
  MANG_TRY(read_prompts(fields, host.tokenizer(), echo, wish));
  find_harmless(fields);
  wish.ignored = fields.unknown();
  return wish;
}

// Answers one request: in chunks as it is written, or as a whole.
class CompletionAnswer final : public GenerationListener {
 public:
  CompletionAnswer(const std::shared_ptr<Exchange>& exchange, const CompletionWish& wish, const ModelHost& host)
      : exchange_(exchange),
        events_(exchange),
        model_(host.model().name),
        stream_(wish.stream),
        usage_chunk_(wish.usage_chunk),
        wants_logprobs_(wish.logprobs),
        ignored_(wish.ignored),
        per_prompt_(static_cast<size_t>(wish.generation.choices)) {
    for (size_t i = 0; i < wish.generation.prompts.size() * per_prompt_; ++i) {
      choices_.emplace_back(host.tokenizer());
      if (!wish.echoes.empty()) choices_.back().text = wish.echoes[i / per_prompt_];
    }
  }

  void on_prompt(int index, const std::vector<SampledToken>& tokens) override {
    CompletionLogprobs& logprobs = choices_[static_cast<size_t>(index)].logprobs;
    for (size_t i = 0; i < tokens.size(); ++i) logprobs.add(tokens[i], i > 0);
  }

  void on_part(int index, const ChoicePart& part) override {
    Choice& choice = choices_[static_cast<size_t>(index)];
    choice.text += part.text;
    if (wants_logprobs_ && part.token) choice.logprobs.add(*part.token);
    if (stream_) send(index, nullptr);
  }

  void on_end(int index, const ChoiceEnd& end) override {
    choices_[static_cast<size_t>(index)].end = end;
    ++ended_;
    if (stream_) send(index, openai_finish_reason(end.reason));
    if (ended_ == choices_.size()) conclude();
  }

  void on_error(const Error& error) override { events_.end_with({500, error, "model_failed", {}}); }

 private:
  struct Choice {
    explicit Choice(const Tokenizer& tokenizer) : logprobs(tokenizer) {}
    std::string text;  // not sent yet
    CompletionLogprobs logprobs;
    ChoiceEnd end;
  };

  [[nodiscard]] Json head() const {
    return {{"id", id_},
            {"object", "text_completion"},
            {"created", created_},
            {"model", model_},
            {"system_fingerprint", nullptr}};
  }

  Json words_of(int index, Json finish_reason) {
    Choice& choice = choices_[static_cast<size_t>(index)];
    return {{"text", std::exchange(choice.text, "")},
            {"index", index},
            {"logprobs", wants_logprobs_ ? choice.logprobs.take() : Json()},
            {"finish_reason", std::move(finish_reason)}};
  }

  void send(int index, Json finish_reason) {
    Json chunk = head();
    chunk["choices"] = Json::array({words_of(index, std::move(finish_reason))});
    if (usage_chunk_) chunk["usage"] = nullptr;
    events_.send(chunk);
  }

  void add_figures(Json& answer) const {
    std::vector<ChoiceEnd> ends;
    for (const Choice& choice : choices_) ends.push_back(choice.end);
    add_openai_figures(ends, per_prompt_, ignored_, answer);
  }

  void conclude() {
    Json answer = head();
    answer["choices"] = Json::array();
    if (stream_) {
      if (usage_chunk_) {
        add_figures(answer);
        events_.send(answer);
      }
      return events_.done();
    }
    for (size_t i = 0; i < choices_.size(); ++i) {
      answer["choices"].push_back(words_of(static_cast<int>(i), openai_finish_reason(choices_[i].end.reason)));
    }
    add_figures(answer);
    exchange_->respond(json_response(answer));
  }

  std::shared_ptr<Exchange> exchange_;
  EventStream events_;
  std::string model_;
  bool stream_, usage_chunk_, wants_logprobs_;
  std::vector<std::string> ignored_;
  size_t per_prompt_;
  std::vector<Choice> choices_;
  size_t ended_ = 0;
  std::string id_ = new_id("cmpl-");
  int64_t created_ = unix_time();
};

Result<void> answer_completion(const Json& body, const std::shared_ptr<ModelHost>& host, const RequestPtr& request,
                               const std::shared_ptr<Exchange>& exchange) {
  MANG_TRY(CompletionWish wish, read_wish(body, *host));
  auto answer = std::make_shared<CompletionAnswer>(exchange, wish, *host);
  return generate_for(host, std::move(wish.generation), std::move(answer), request, exchange, openai_error);
}

}  // namespace

void add_openai_completions(Router& router, Service& service) {
  Route route{"POST", "/v1/completions", openai_error};
  route.generates = true;
  route.handle = [&service](const RequestPtr& request, std::shared_ptr<Exchange> exchange) {
    with_body_and_model(service, request, std::move(exchange), openai_error, answer_completion);
  };
  router.add(std::move(route));
}

}  // namespace mang::serve
