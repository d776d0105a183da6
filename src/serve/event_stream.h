// Server-sent events of OpenAI's APIs: begun with the first, ended with "[DONE]".
#pragma once

#include <memory>
#include <utility>

#include "base/json.h"
#include "serve/api_error.h"
#include "serve/http.h"

namespace mang::serve {

class EventStream {
 public:
  explicit EventStream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  void send(const Json& data) {
    begin();
    exchange_->write("data: " + dump_json(data) + "\n\n");
  }
  void done() {
    begin();
    exchange_->write("data: [DONE]\n\n");
    exchange_->end();
  }
  // As an answer of its own where nothing was sent yet, else as the last event.
  void end_with(const ApiError& error) {
    if (!begun_) return exchange_->respond(error_response(error, openai_error));
    send(openai_error(error));
    exchange_->end();
  }

 private:
  void begin() {
    if (begun_) return;
    begun_ = true;
    exchange_->begin(200, {{"content-type", "text/event-stream"}, {"cache-control", "no-cache"}});
    exchange_->set_idle_text(": still at work\n\n");
  }

  std::shared_ptr<Exchange> exchange_;
  bool begun_ = false;
};

}  // namespace mang::serve
