// A server on a free port, answering with the echo model, until the test ends.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/client.h"
#include "serve/echo_model.h"
#include "serve/server.h"

namespace mang::test {

class ServeFixture {
 public:
  explicit ServeFixture(const EchoOptions& model = {}, serve::ServerOptions options = {}, serve::Keys keys = {},
                        std::vector<std::string> names = {"echo", "other"}) {
    options.log = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      log_.push_back(line);
    };
    auto shelf = std::make_unique<serve::ModelShelf>(std::move(names),
                                                     [model](const std::string& name) -> Result<serve::OpenModel> {
                                                       if (name == "broken") return fail("its file is damaged.");
                                                       return EchoModel::open(name, model);
                                                     });
    server_ = serve::Server::open(std::move(options), std::move(keys), std::move(shelf)).value();
    thread_ = std::thread([this] { server_->run(ending_); });
  }
  ~ServeFixture() { end(); }

  // As a SIGTERM: returns when the server has ended.
  void end() {
    ending_.store(true);
    if (thread_.joinable()) thread_.join();
  }
  void begin_to_end() { ending_.store(true); }

  [[nodiscard]] uint16_t port() const { return server_->port(); }
  [[nodiscard]] serve::Server& server() { return *server_; }
  Reply ask(const std::string& method, const std::string& path, const std::string& body = "",
            const std::string& headers = "") const {
    Client client(port());
    client.send(http_request(method, path, body, headers));
    return client.reply(10, method == "HEAD");
  }
  Reply post(const std::string& path, const Json& body, const std::string& headers = "") const {
    return ask("POST", path, dump_json(body), headers);
  }
  [[nodiscard]] std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  // Waits until this many lines were logged.
  std::vector<std::string> log_of(size_t lines) {
    for (int i = 0; i < 500 && log().size() < lines; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return log();
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<serve::Server> server_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

// The data of a stream of server-sent events, "[DONE]" left out; its absence fails the test.
inline std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> out;
  bool done = false;
  for (size_t at = 0; at < stream.size();) {
    const size_t end = stream.find("\n\n", at);
    REQUIRE(end != std::string::npos);
    const std::string event = stream.substr(at, end - at);
    at = end + 2;
    if (event.starts_with(":")) continue;
    const size_t data = event.find("data: ");
    REQUIRE_MESSAGE(data != std::string::npos, event);
    const std::string text = event.substr(data + 6);
    if (text == "[DONE]") {
      done = true;
      CHECK(at == stream.size());
      continue;
    }
    out.push_back(parse_json(text, "event").value());
  }
  CHECK(done);
  return out;
}

inline Json chat_body(const std::string& text, Json more = Json::object()) {
  more["model"] = "echo";
  more["messages"] = Json::array({Json{{"role", "user"}, {"content", text}}});
  return more;
}

}  // namespace mang::test
