// The server: who is let in, which request goes where, and how it ends.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "serve/gate.h"
#include "serve/http_server.h"
#include "serve/keys.h"
#include "serve/model_shelf.h"
#include "serve/request_log.h"

namespace mang::serve {

struct ServerOptions {
  HttpServerOptions http;
  GateOptions gate;
  size_t most_under_way = 256;  // requests to models, those that wait included; more are told to come back
  double grace_seconds = 30;    // that answers under way have to end when the server is asked to
  std::string version;          // of the program
  RequestLog::Writer log;       // may be empty
};

class Server {
 public:
  // Listens already when it returns. Errors: the address cannot be had; it can be reached from other machines though
  // there is no key.
  static Result<std::unique_ptr<Server>> open(ServerOptions options, Keys keys, std::unique_ptr<ModelShelf> shelf);
  ~Server();

  [[nodiscard]] uint16_t port() const;
  [[nodiscard]] ModelShelf& shelf();

  // Serves until `ending` is set, then refuses what is new, lets what is under way end, and returns.
  void run(const std::atomic<bool>& ending);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mang::serve
