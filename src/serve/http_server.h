// HTTP/1.1 over TCP, with or without TLS: connections, limits, time-outs and draining. One thread does all of it, the
// one that calls run().
//
// Clients that are slow on purpose are cut off: a header has 8 s, a body and an answer that is being read must each
// move on by 16 KiB a second after the first 8 s.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "serve/http.h"

namespace mang::serve {

struct HttpLimits {
  size_t header_bytes = 32 * kKiB;
  size_t body_bytes = 16 * kMiB;
  size_t all_bodies_bytes = 512 * kMiB;  // of requests that are read or not dealt with yet, together
  size_t unread_bytes = 16 * kMiB;       // of an answer that its client does not fetch
  size_t connections = 16'384;
  double slow_seconds = 8;    // see above
  double idle_seconds = 75;   // a connection between two requests
  double quiet_seconds = 10;  // after which the idle text is sent
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // or a name; all addresses it has are listened on
  uint16_t port = 0;                  // 0: any free one
  std::string certificate, key;       // paths of PEM files; empty: no TLS
  HttpLimits limits;
};

struct HttpHandlers {
  // Sees method, path and headers before the body is read; what it returns is the answer. Must be quick. May leave its
  // account in the request.
  std::function<std::optional<HttpResponse>(HttpRequest& head)> door;
  // Answers a request that was let in, now or later. Must not wait: hand long work on.
  std::function<void(HttpRequest request, std::shared_ptr<Exchange> exchange)> handle;
  // The answer to what is no request at all. `message`: a sentence.
  std::function<HttpResponse(int status, const std::string& message)> refuse;
};

class HttpServer {
 public:
  // Listens already when it returns. Errors: an address that cannot be had; certificate or key that cannot be used.
  static Result<std::unique_ptr<HttpServer>> open(HttpServerOptions options, HttpHandlers handlers);
  ~HttpServer();

  [[nodiscard]] uint16_t port() const;
  // Until stop(). Handlers are called inside.
  void run();
  // Any thread. Connections close after the answer they carry, and those between two requests at once. New ones are
  // still heard: the door tells them why they are not served.
  void drain();
  // Any thread. Everything is closed, and run() returns.
  void stop();

  [[nodiscard]] size_t connections() const;  // open ones; any thread

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mang::serve
