#include "serve/anthropic_answer.h"

#include <utility>

#include "serve/openai_words.h"
#include "serve/service.h"

namespace mang::serve {

namespace {

const char* stop_reason(FinishReason reason) {
  switch (reason) {
    case FinishReason::max_tokens:
      return "max_tokens";
    case FinishReason::context_full:
      return "model_context_window_exceeded";
    case FinishReason::stop_string:
      return "stop_sequence";
    default:
      return "end_turn";
  }
}

Json usage_of(const ChoiceEnd& end) {
  const RequestStats& stats = end.stats;
  return {{"input_tokens", stats.prompt_tokens - stats.cached_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", stats.cached_tokens},
          {"output_tokens", stats.generated_tokens},
          {"output_tokens_details", {{"thinking_tokens", end.reasoning_tokens}}}};
}

class AnthropicAnswer final : public GenerationListener {
 public:
  AnthropicAnswer(std::shared_ptr<Exchange> exchange, AnthropicAnswerOptions options)
      : exchange_(std::move(exchange)), options_(std::move(options)) {}

  void on_part(int, const ChoicePart& part) override {
    if (!options_.stream) {
      reasoning_ += part.reasoning;
      text_ += part.text;
      return;
    }
    begin();
    if (!part.reasoning.empty()) send_delta("thinking", part.reasoning);
    if (!part.text.empty()) send_delta("text", part.text);
  }

  void on_end(int, const ChoiceEnd& end) override {
    if (options_.stream) {
      end_stream(end);
    } else {
      respond(end);
    }
  }

  void on_error(const Error& error) override {
    const ApiError told{500, error, "model_failed", {}};
    if (!begun_) return exchange_->respond(error_response(told, anthropic_error));
    send("error", anthropic_error(told));
    exchange_->end();
  }

 private:
  void send(const char* event, const Json& data) {
    exchange_->write(std::string("event: ") + event + "\ndata: " + dump_json(data) + "\n\n");
  }

  [[nodiscard]] Json head() const {
    return {{"id", id_}, {"type", "message"}, {"role", "assistant"}, {"model", options_.model}};
  }

  static void add_ending(Json& to, const ChoiceEnd& end) {
    to["stop_reason"] = stop_reason(end.reason);
    to["stop_sequence"] = end.reason == FinishReason::stop_string ? Json(end.stop_string) : Json();
  }

  [[nodiscard]] Json own_words(const ChoiceEnd& end) const {
    Json out = mang_words({end});
    if (!options_.ignored.empty()) out["ignored"] = options_.ignored;
    return out;
  }

  void begin() {
    if (begun_) return;
    begun_ = true;
    exchange_->begin(200, {{"content-type", "text/event-stream"}, {"cache-control", "no-cache"}});
    exchange_->set_idle_text("event: ping\ndata: {\"type\":\"ping\"}\n\n");
    Json message = head();
    message["content"] = Json::array();
    message["stop_reason"] = message["stop_sequence"] = nullptr;
    // What of it came from the cache is told with the end.
    message["usage"] = {{"input_tokens", options_.prompt_tokens},
                        {"cache_creation_input_tokens", 0},
                        {"cache_read_input_tokens", 0},
                        {"output_tokens", 0}};
    send("message_start", {{"type", "message_start"}, {"message", std::move(message)}});
  }

  void send_block_delta(Json delta) {
    send("content_block_delta", {{"type", "content_block_delta"}, {"index", block_}, {"delta", std::move(delta)}});
  }

  // kind: "thinking" or "text", which is the name of its text too.
  void send_delta(const std::string& kind, const std::string& text) {
    if (open_ != kind) {
      close_block();
      open_ = kind;
      Json block = {{"type", kind}, {kind, ""}};
      if (kind == "thinking") block["signature"] = "";
      send("content_block_start",
           {{"type", "content_block_start"}, {"index", block_}, {"content_block", std::move(block)}});
    }
    send_block_delta({{"type", kind + "_delta"}, {kind, text}});
  }

  void close_block() {
    if (open_.empty()) return;
    if (open_ == "thinking") send_block_delta({{"type", "signature_delta"}, {"signature", ""}});
    send("content_block_stop", {{"type", "content_block_stop"}, {"index", block_}});
    ++block_;
    open_.clear();
  }

  void end_stream(const ChoiceEnd& end) {
    begin();
    close_block();
    Json delta = Json::object();
    add_ending(delta, end);
    send("message_delta",
         {{"type", "message_delta"}, {"delta", std::move(delta)}, {"usage", usage_of(end)}, {"mang", own_words(end)}});
    send("message_stop", {{"type", "message_stop"}});
    exchange_->end();
  }

  void respond(const ChoiceEnd& end) {
    Json answer = head();
    answer["content"] = Json::array();
    if (!reasoning_.empty()) {
      answer["content"].push_back({{"type", "thinking"}, {"thinking", reasoning_}, {"signature", ""}});
    }
    if (!text_.empty()) answer["content"].push_back({{"type", "text"}, {"text", text_}});
    add_ending(answer, end);
    answer["usage"] = usage_of(end);
    answer["mang"] = own_words(end);
    exchange_->respond(json_response(answer));
  }

  std::shared_ptr<Exchange> exchange_;
  AnthropicAnswerOptions options_;
  std::string id_ = new_id("msg_");
  std::string reasoning_, text_;  // of an answer as a whole
  bool begun_ = false;
  int block_ = 0;
  std::string open_;  // the kind of the block that is being sent; empty: none is
};

}  // namespace

std::shared_ptr<GenerationListener> anthropic_answer(std::shared_ptr<Exchange> exchange,
                                                     AnthropicAnswerOptions options) {
  return std::make_shared<AnthropicAnswer>(std::move(exchange), std::move(options));
}

}  // namespace mang::serve
