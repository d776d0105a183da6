// One line of JSON for each request: when, who, what, how long. Never what was asked or answered.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "serve/http.h"

namespace mang::serve {

class RequestLog {
 public:
  using Writer = std::function<void(const std::string& line)>;  // any thread
  explicit RequestLog(Writer writer) : writer_(std::move(writer)) {}

  struct Entry {
    std::string id;    // the request's, as the client got it
    std::string key;   // the name of its key; empty: none
    int status = 0;    // 0: the client went before
    size_t bytes = 0;  // sent
    double seconds = 0;
  };
  void write(const HttpRequest& request, const Entry& entry) const;

 private:
  Writer writer_;
};

}  // namespace mang::serve
