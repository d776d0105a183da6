#include "serve/ollama_answer.h"

#include <utility>

#include "serve/ollama_words.h"
#include "serve/openai_words.h"

namespace mang::serve {

namespace {

Json line_of(const OllamaAnswerOptions& options, const std::string& reasoning, const std::string& text) {
  Json out = {{"model", options.model}, {"created_at", rfc3339_now()}};
  if (options.chat) {
    out["message"] = {{"role", "assistant"}, {"content", text}};
  } else {
    out["response"] = text;
  }
  if (!reasoning.empty()) (options.chat ? out["message"] : out)["thinking"] = reasoning;
  out["done"] = false;
  return out;
}

class OllamaAnswer final : public GenerationListener {
 public:
  OllamaAnswer(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, OllamaAnswerOptions options)
      : exchange_(std::move(exchange)), tokenizer_(tokenizer), options_(std::move(options)) {}

  void on_part(int, const ChoicePart& part) override {
    const bool report = options_.logprobs && part.token;
    if (!options_.stream) {
      reasoning_ += part.reasoning;
      text_ += part.text;
      if (report) logprobs_.push_back(chat_logprob(*part.token, tokenizer_));
      return;
    }
    if (part.reasoning.empty() && part.text.empty() && !report) return;
    Json line = line_of(options_, part.reasoning, part.text);
    if (report) line["logprobs"] = Json::array({chat_logprob(*part.token, tokenizer_)});
    send(line);
  }

  void on_end(int, const ChoiceEnd& end) override {
    Json line = line_of(options_, reasoning_, text_);
    if (!logprobs_.empty()) line["logprobs"] = std::move(logprobs_);
    add_figures(line, end);
    if (!options_.stream) return exchange_->respond(json_response(line));
    send(line);
    exchange_->end();
  }

  void on_error(const Error& error) override {
    const ApiError told{500, error, "model_failed", {}};
    if (!begun_) return exchange_->respond(error_response(told, ollama_error));
    send(ollama_error(told));
    exchange_->end();
  }

 private:
  void send(const Json& line) {
    if (!begun_) {
      begun_ = true;
      exchange_->begin(200, {{"content-type", "application/x-ndjson"}, {"cache-control", "no-cache"}});
      exchange_->set_idle_text(" ");  // before the next line's JSON; an empty line is more than clients bear
    }
    exchange_->write(dump_json(line) + "\n");
  }

  void add_figures(Json& line, const ChoiceEnd& end) const {
    const std::chrono::duration<double> total = std::chrono::steady_clock::now() - options_.begun;
    line["done"] = true;
    line["done_reason"] = openai_finish_reason(end.reason);
    line["total_duration"] = nanoseconds(total.count());
    line["load_duration"] = nanoseconds(options_.load_seconds);
    line["prompt_eval_count"] = end.stats.prompt_tokens;
    line["prompt_eval_duration"] = nanoseconds(end.stats.prefill_seconds);
    line["eval_count"] = end.stats.generated_tokens;
    line["eval_duration"] = nanoseconds(end.stats.decode_seconds);
    line["mang"] = mang_words({end});
    if (!options_.ignored.empty()) line["mang"]["ignored"] = options_.ignored;
  }

  std::shared_ptr<Exchange> exchange_;
  const Tokenizer& tokenizer_;
  OllamaAnswerOptions options_;
  bool begun_ = false;
  std::string reasoning_, text_;  // of an answer as a whole
  Json logprobs_ = Json::array();
};

}  // namespace

std::shared_ptr<GenerationListener> ollama_answer(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer,
                                                  OllamaAnswerOptions options) {
  return std::make_shared<OllamaAnswer>(std::move(exchange), tokenizer, std::move(options));
}

Json ollama_loaded(const OllamaAnswerOptions& options) {
  Json out = line_of(options, "", "");
  out["done"] = true;
  out["done_reason"] = "load";
  return out;
}

}  // namespace mang::serve
