#include "serve/server.h"

#include <chrono>
#include <thread>
#include <utility>

#include "serve/account.h"
#include "serve/anthropic_messages.h"
#include "serve/extras.h"
#include "serve/ollama_chat.h"
#include "serve/ollama_models.h"
#include "serve/openai_chat.h"
#include "serve/openai_completions.h"
#include "serve/openai_models.h"
#include "serve/router.h"
#include "serve/service.h"

namespace mang::serve {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(20);  // how often the ending is looked for
constexpr double kSendSeconds = 5;                     // for the last bytes of the last answers

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Keys keys, std::unique_ptr<ModelShelf> shelf)
      : options_(std::move(options)),
        keys_(std::move(keys)),
        gate_(options_.gate, keys_),
        log_(options_.log),
        shelf_(std::move(shelf)),
        service_{*shelf_, desk_, metrics_, options_.version, unix_time()} {
    add_extras(router_, service_);
    add_metrics();
    add_openai_models(router_, service_);
    add_openai_chat(router_, service_);
    add_openai_completions(router_, service_);
    add_anthropic_messages(router_, service_);
    add_ollama_models(router_, service_);
    add_ollama_chat(router_, service_);
  }

  Result<void> listen();
  void run(const std::atomic<bool>& ending);
  [[nodiscard]] uint16_t port() const { return http_->port(); }
  [[nodiscard]] ModelShelf& shelf() { return *shelf_; }

 private:
  class Tracked;

  void add_metrics();
  std::optional<HttpResponse> door(HttpRequest& head);
  std::optional<ApiError> judge(HttpRequest& head, const Route* route, const std::vector<std::string>& allowed);
  void handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange);
  [[nodiscard]] std::optional<ApiError> crowded(const Route& route) const;
  [[nodiscard]] Headers common_headers(const HttpRequest& request) const;

  ServerOptions options_;
  Keys keys_;
  Gate gate_;
  RequestLog log_;
  Metrics metrics_;
  Router router_;
  std::atomic<size_t> under_way_ = 0;   // exchanges
  std::atomic<size_t> generating_ = 0;  // … of requests to models
  // Answers reach for their connections until the last of them has ended, so the connections go last.
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<ModelShelf> shelf_;
  Desk desk_;
  Service service_;
};

// An exchange that is counted while it lasts and written down at its end.
class Server::Impl::Tracked final : public Exchange {
 public:
  Tracked(Impl& server, const RequestPtr& request, const Route& route, bool generates, std::shared_ptr<Exchange> inner)
      : server_(server), request_(head_of(*request)), route_(route), generates_(generates), inner_(std::move(inner)) {
    ++server_.under_way_;
    if (generates_) ++server_.generating_;
  }

  ~Tracked() override {
    inner_.reset();
    const Account& account = *request_.account;
    if (generates_ && account.key) server_.keys_.end(*account.key, account.tokens.load());
    if (generates_) --server_.generating_;
    const int status = gone_.load() ? 0 : status_.load() == 0 ? 500 : status_.load();
    server_.log_.write(request_, {account.id, account.tenant, status, bytes_.load(), seconds_since(begun_)});
    server_.metrics_.request_ended(route_.path, status, seconds_since(begun_));
    --server_.under_way_;
  }

  void respond(HttpResponse response) override {
    status_ = response.status;
    bytes_ += response.body.size();
    add_common(response.headers);
    inner_->respond(std::move(response));
  }
  void begin(int status, Headers headers) override {
    status_ = status;
    add_common(headers);
    inner_->begin(status, std::move(headers));
  }
  void write(std::string_view bytes) override {
    bytes_ += bytes.size();
    inner_->write(bytes);
  }
  void end() override { inner_->end(); }
  void set_idle_text(std::string text) override { inner_->set_idle_text(std::move(text)); }
  void on_gone(std::function<void()> call) override {
    inner_->on_gone([weak = gone_flag_, call = std::move(call)] {
      weak->store(true);
      if (call) call();
    });
  }

 private:
  void add_common(Headers& headers) const {
    for (auto& header : server_.common_headers(request_)) headers.push_back(std::move(header));
  }

  Impl& server_;
  // Without the body, which is of no use once it is read and would stay in memory as long as the answer takes.
  static HttpRequest head_of(const HttpRequest& request) {
    HttpRequest head;
    head.method = request.method;
    head.path = request.path;
    head.headers = request.headers;
    head.peer = request.peer;
    head.account = request.account;
    return head;
  }

  HttpRequest request_;
  const Route& route_;
  bool generates_;
  std::shared_ptr<Exchange> inner_;
  Clock::time_point begun_ = Clock::now();
  std::atomic<int> status_ = 0;
  std::atomic<size_t> bytes_ = 0;
  std::shared_ptr<std::atomic<bool>> gone_flag_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool>& gone_ = *gone_flag_;
};

void Server::Impl::add_metrics() {
  Route route{"GET", "/metrics"};
  route.where = Where::at_once;
  route.handle = [this](const RequestPtr&, const std::shared_ptr<Exchange>& exchange) {
    Metrics::Gauges now{http_->connections(), under_way_.load(), generating_.load(), {}};
    for (const auto& host : shelf_->open_ones()) {
      const Engine& engine = *host->model().engine;
      now.kv[host->model().name] = {engine.blocks() - engine.free_blocks(), engine.blocks()};
    }
    exchange->respond({200, {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_.text(now)});
  };
  router_.add(std::move(route));
}

Headers Server::Impl::common_headers(const HttpRequest& request) const {
  Headers out = gate_.cors(request);
  if (request.account) out.emplace_back("x-request-id", request.account->id);
  out.emplace_back("x-content-type-options", "nosniff");
  return out;
}

// Full: whoever comes now is told when to come again, before anything of the request is looked at.
std::optional<ApiError> Server::Impl::crowded(const Route& route) const {
  if (!route.generates) return std::nullopt;
  if (service_.ending.load()) {
    return ApiError{503, fail("The server is shutting down. Ask again in a moment."), "shutting_down", 1};
  }
  if (generating_.load() < options_.most_under_way) return std::nullopt;
  return ApiError{
      503,
      fail("{} requests are under way or waiting, as many as this server takes. Ask again later.", generating_.load()),
      "overloaded", 5};
}

std::optional<ApiError> Server::Impl::judge(HttpRequest& head, const Route* route,
                                            const std::vector<std::string>& allowed) {
  if (auto error = gate_.check_source(head)) return error;
  if (!route || !route->open) {
    if (auto error = gate_.check_key(head, head.account->key)) return error;
    if (head.account->key) head.account->tenant = keys_.name(*head.account->key);
  }
  if (!route && allowed.empty()) {
    return ApiError{404, fail("There is nothing at {}.", head.path), "not_found", {}};
  }
  if (!route) {
    std::string methods;
    for (const std::string& each : allowed) methods += (methods.empty() ? "" : ", ") + each;
    return ApiError{405, fail("{} is answered to {}, not to {}.", head.path, methods, head.method), "", {}};
  }
  return crowded(*route);
}

std::optional<HttpResponse> Server::Impl::door(HttpRequest& head) {
  head.account = std::make_shared<Account>(metrics_);
  head.account->id = new_id("req-");
  std::vector<std::string> allowed;
  const Route* route = router_.find(head.method, head.path, &allowed);
  if (head.method == "OPTIONS" && !head.header("access-control-request-method").empty()) {
    Headers headers = gate_.cors(head);
    if (headers.empty()) headers = {};
    headers.emplace_back("access-control-allow-methods", "GET, POST, DELETE, OPTIONS");
    headers.emplace_back("access-control-allow-headers", std::string(head.header("access-control-request-headers")));
    headers.emplace_back("access-control-max-age", "600");
    if (gate_.check_source(head)) return HttpResponse{403, {}, ""};
    return HttpResponse{204, std::move(headers), ""};
  }
  const std::optional<ApiError> error = judge(head, route, allowed);
  if (!error) return std::nullopt;
  metrics_.request_refused(error->code.empty() ? std::to_string(error->status) : error->code);
  HttpResponse response = error_response(*error, route ? route->words : words_for(head.path));
  for (auto& header : common_headers(head)) response.headers.push_back(std::move(header));
  log_.write(head, {head.account->id, head.account->tenant, response.status, response.body.size(), 0});
  return response;
}

void Server::Impl::handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
  const Route* route = router_.find(request.method, request.path, nullptr);
  const auto shared = std::make_shared<const HttpRequest>(std::move(request));
  // Once more: others may have come while the body was read.
  std::optional<ApiError> error = crowded(*route);
  const std::optional<size_t> key = shared->account->key;
  if (!error && key && route->generates) {
    if (const std::optional<int> wait = keys_.begin(*key)) {
      error = ApiError{429, fail("This key has asked for as much as it may for now. Ask again in {} s.", *wait),
                       "rate_limit_exceeded", wait};
    }
  }
  const auto tracked = std::make_shared<Tracked>(*this, shared, *route, route->generates && !error, exchange);
  if (error) return tracked->respond(error_response(*error, route->words));
  if (route->where == Where::at_once) return route->handle(shared, tracked);
  desk_.post([route, shared, tracked] { route->handle(shared, tracked); });
}

Result<void> Server::Impl::listen() {
  if (keys_.empty() && !is_loopback_name(host_name(options_.http.address)) && options_.http.address != "::1") {
    return fail("{} can be reached from other machines, so this server needs a key: give it one with --api-key-file.",
                options_.http.address);
  }
  HttpHandlers handlers;
  handlers.door = [this](HttpRequest& head) { return door(head); };
  handlers.handle = [this](HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
    handle(std::move(request), exchange);
  };
  handlers.refuse = [](int status, const std::string& message) {
    return error_response({status, Error{message}, "", {}}, openai_error);
  };
  MANG_TRY(http_, HttpServer::open(options_.http, std::move(handlers)));
  return {};
}

void Server::Impl::run(const std::atomic<bool>& ending) {
  std::thread connections([this] { http_->run(); });
  while (!ending.load()) std::this_thread::sleep_for(kLook);
  service_.ending.store(true);
  http_->drain();
  const auto asked = Clock::now();
  while (under_way_.load() > 0 && seconds_since(asked) < options_.grace_seconds) std::this_thread::sleep_for(kLook);
  const auto answered = Clock::now();
  while (http_->connections() > 0 && seconds_since(answered) < kSendSeconds) std::this_thread::sleep_for(kLook);
  http_->stop();
  connections.join();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(ServerOptions options, Keys keys, std::unique_ptr<ModelShelf> shelf) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(keys), std::move(shelf));
  MANG_TRY(impl->listen());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

uint16_t Server::port() const { return impl_->port(); }
ModelShelf& Server::shelf() { return impl_->shelf(); }
void Server::run(const std::atomic<bool>& ending) { impl_->run(ending); }

}  // namespace mang::serve
