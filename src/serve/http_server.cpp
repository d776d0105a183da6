// The one place that knows Boost: it takes long to compile.
#include "serve/http_server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <ctime>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/ascii.h"

namespace mang::serve {

namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using asio::ip::tcp;
using boost::beast::flat_buffer;
using ErrorCode = boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr double kLeastRate = 16.0 * kKiB;  // bytes a second of a body or an answer
constexpr double kTickSeconds = 0.25;       // between two looks at all connections
constexpr double kLingerSeconds = 2;        // for a client to read a refusal while it still sends
constexpr size_t kLingerBytes = 16 * kMiB;  // … at most
constexpr size_t kReadPiece = 16 * kKiB;
constexpr size_t kPipelined = 256 * kKiB;  // of requests that come before their turn

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

// Whether bytes move on: within each stretch of time as many as there must be.
class Progress {
 public:
  void begin(size_t bytes = 0) {
    since_ = Clock::now();
    bytes_ = bytes;
  }
  bool too_slow(size_t bytes, double stretch) {
    if (seconds_since(since_) < stretch) return false;
    if (static_cast<double>(bytes - bytes_) < stretch * kLeastRate) return true;
    begin(bytes);
    return false;
  }

 private:
  Clock::time_point since_;
  size_t bytes_ = 0;
};

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// Status line and headers. length: nullopt: the body comes in chunks, or until the connection closes.
std::string head_of(int status, const Headers& headers, std::optional<size_t> length, bool chunked, bool close) {
  const std::string_view reason = beast_http::obsolete_reason(static_cast<beast_http::status>(status));
  std::string out = fmt::format("HTTP/1.1 {} {}\r\ndate: {}\r\n", status, reason, http_date());
  for (const auto& [name, value] : headers) {
    out += name + ": ";
    for (const char c : value) {
      if (c != '\r' && c != '\n' && c != '\0') out += c;
    }
    out += "\r\n";
  }
  if (length) out += fmt::format("content-length: {}\r\n", *length);
  if (chunked) out += "transfer-encoding: chunked\r\n";
  out += close ? "connection: close\r\n\r\n" : "connection: keep-alive\r\n\r\n";
  return out;
}

// A connection as the server's clock and its answers see it. Everything on the server's thread.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void tick() = 0;   // looks at its time limits
  virtual void flush() = 0;  // there is something to send
  virtual void drain() = 0;
  virtual void close() = 0;
};

// What an answer has for the client, and whether there still is one. Shared by the connection and the exchange.
struct Outbox {
  std::mutex mutex;
  std::string bytes;  // to be sent, framed
  std::string idle_text;
  bool begun = false;
  bool ended = false;
  bool chunked = false;
  bool close = false;  // the connection, after the end
  bool head_only = false;
  bool keeps_alive = true;  // the client would
  bool http_1_0 = false;
  bool announced = false;  // the connection will come for the bytes
  bool gone = false;
  std::function<void()> on_gone;
};

// Both under the outbox's mutex.
void frame(Outbox& box, std::string_view bytes) {
  if (bytes.empty() || box.head_only) return;
  if (box.chunked) box.bytes += fmt::format("{:x}\r\n", bytes.size());
  box.bytes += bytes;
  if (box.chunked) box.bytes += "\r\n";
}

void begin_answer(Outbox& box, int status, const Headers& headers, std::optional<size_t> length) {
  box.begun = true;
  box.chunked = !length && !box.http_1_0;
  if (!box.keeps_alive || (!length && box.http_1_0)) box.close = true;
  box.bytes += head_of(status, headers, length, box.chunked, box.close);
}

class Answer final : public Exchange {
 public:
  Answer(std::shared_ptr<Outbox> box, asio::io_context& io, std::weak_ptr<Connection> connection)
      : box_(std::move(box)), io_(io), connection_(std::move(connection)) {}

  ~Answer() override {
    {
      const std::lock_guard lock(box_->mutex);
      if (box_->ended || box_->gone) return;
      box_->close = true;  // in the middle: the client sees that something is missing
      if (!box_->begun) begin_answer(*box_, 500, {}, 0);
      box_->ended = true;
    }
    announce();
  }

  void respond(HttpResponse response) override {
    {
      const std::lock_guard lock(box_->mutex);
      if (box_->begun || box_->gone) return;
      begin_answer(*box_, response.status, response.headers, response.body.size());
      frame(*box_, response.body);
      box_->ended = true;
    }
    announce();
  }

  void begin(int status, Headers headers) override {
    {
      const std::lock_guard lock(box_->mutex);
      if (box_->begun || box_->gone) return;
      begin_answer(*box_, status, headers, std::nullopt);
    }
    announce();
  }

  void write(std::string_view bytes) override {
    {
      const std::lock_guard lock(box_->mutex);
      if (!box_->begun || box_->ended || box_->gone) return;
      frame(*box_, bytes);
    }
    announce();
  }

  void end() override {
    {
      const std::lock_guard lock(box_->mutex);
      if (!box_->begun || box_->ended || box_->gone) return;
      if (box_->chunked && !box_->head_only) box_->bytes += "0\r\n\r\n";
      box_->ended = true;
    }
    announce();
  }

  void set_idle_text(std::string text) override {
    const std::lock_guard lock(box_->mutex);
    box_->idle_text = std::move(text);
  }

  void on_gone(std::function<void()> call) override {
    {
      const std::lock_guard lock(box_->mutex);
      if (!box_->gone) {
        box_->on_gone = std::move(call);
        return;
      }
    }
    call();
  }

 private:
  void announce() {
    {
      const std::lock_guard lock(box_->mutex);
      if (box_->announced) return;
      box_->announced = true;
    }
    asio::post(io_, [connection = connection_] {
      if (const auto there = connection.lock()) there->flush();
    });
  }

  std::shared_ptr<Outbox> box_;
  asio::io_context& io_;
  std::weak_ptr<Connection> connection_;
};

Error listen_error(const HttpServerOptions& options, const ErrorCode& code) {
  if (code == asio::error::address_in_use) {
    return fail("port {} of {} is in use by another program. Choose another one, or end that program.", options.port,
                options.address);
  }
  return fail("port {} of {} cannot be listened on: {}", options.port, options.address, system_error(code));
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options, HttpHandlers handlers)
      : options_(std::move(options)), handlers_(std::move(handlers)), io_(1), clock_(io_) {}

  Result<void> listen();
  Result<void> prepare_tls();
  void run();
  void drain();
  void stop();

  const HttpServerOptions& options() const { return options_; }
  const HttpHandlers& handlers() const { return handlers_; }
  asio::io_context& io() { return io_; }
  bool draining() const { return draining_; }
  uint16_t port() const { return port_; }
  size_t connections() const { return open_.load(); }

  // Room for a body; null: there is none now.
  std::shared_ptr<void> take_room(size_t bytes) {
    if (bodies_->load() + bytes > options_.limits.all_bodies_bytes) return nullptr;
    bodies_->fetch_add(bytes);
    return {bodies_.get(), [bodies = bodies_, bytes](void*) { bodies->fetch_sub(bytes); }};
  }

  void forget(uint64_t id) {
    known_.erase(id);
    open_.store(known_.size());
  }

 private:
  void accept(tcp::acceptor& acceptor);
  void welcome(tcp::socket socket);
  void tick();
  std::vector<std::shared_ptr<Connection>> all();

  HttpServerOptions options_;
  HttpHandlers handlers_;
  std::shared_ptr<std::atomic<size_t>> bodies_ = std::make_shared<std::atomic<size_t>>(0);  // requests may outlive this
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> known_;                         // until they are closed
  std::atomic<size_t> open_ = 0;
  asio::io_context io_;
  asio::steady_timer clock_;
  std::optional<asio::ssl::context> tls_;
  std::vector<tcp::acceptor> acceptors_;
  uint16_t port_ = 0;
  bool draining_ = false;
  uint64_t last_ = 0;
};

namespace {

// One client. Reads a request, has it answered, sends the answer, and begins again. While an answer is under way it
// goes on reading, for that is how one learns that the client has gone.
template <typename Stream, typename Server>
class ClientConnection final : public Connection,
                               public std::enable_shared_from_this<ClientConnection<Stream, Server>> {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, tcp::socket>;

  ClientConnection(Stream stream, Server& server, uint64_t id)
      : stream_(std::move(stream)), server_(server), limits_(server.options().limits), id_(id) {
    ErrorCode ignored;
    const auto end = socket().remote_endpoint(ignored);
    if (!ignored) peer_ = end.address().to_string();
    socket().set_option(tcp::no_delay(true), ignored);
  }

  void start() {
    enter(Phase::header);
    if constexpr (kTls) {
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](const ErrorCode& code) {
        if (code) return self->close();
        self->enter(Phase::header);
        self->read_request();
      });
    } else {
      read_request();
    }
  }

  void tick() override {
    if (phase_ == Phase::closed) return;
    const double passed = seconds_since(entered_);
    switch (phase_) {
      case Phase::idle:
        if (buffer_.size() > 0) {
          enter(Phase::header);
        } else if (passed > limits_.idle_seconds) {
          close();
        }
        break;
      case Phase::header:
        if (passed > limits_.slow_seconds) close();
        break;
      case Phase::body:
        if (progress_.too_slow(parser_->get().body().size(), limits_.slow_seconds)) close();
        break;
      case Phase::answer:
        tick_answer();
        break;
      case Phase::linger:
        if (passed > kLingerSeconds) close();
        break;
      case Phase::closed:
        break;
    }
  }

  void flush() override {
    if (!box_ || phase_ == Phase::closed) return;
    bool ended = false;
    {
      const std::lock_guard lock(box_->mutex);
      if (!writing_) box_->announced = false;  // while it writes, it comes back by itself
      if (writing_) return;
      std::swap(sending_, box_->bytes);
      ended = box_->ended;
    }
    if (!sending_.empty()) {
      writing_ = true;
      sent_ = 0;
      progress_.begin();
      send_some();
    } else if (ended) {
      finish();
    }
  }

  void drain() override {
    if (phase_ == Phase::idle || (phase_ == Phase::header && buffer_.size() == 0)) close();
  }

  void close() override {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    ErrorCode ignored;
    socket().shutdown(tcp::socket::shutdown_both, ignored);
    socket().close(ignored);
    leave();
    server_.forget(id_);
  }

 private:
  enum class Phase { idle, header, body, answer, linger, closed };

  void enter(Phase phase) {
    phase_ = phase;
    entered_ = Clock::now();
  }

  tcp::socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  // The answer under way learns that nobody waits for it.
  void leave() {
    if (!box_) return;
    std::function<void()> call;
    {
      const std::lock_guard lock(box_->mutex);
      if (!box_->ended || !box_->bytes.empty() || writing_) box_->gone = true;
      if (box_->gone && !box_->ended) call = std::move(box_->on_gone);
      box_->on_gone = nullptr;
    }
    box_.reset();
    if (call) call();
  }

  void read_request() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(limits_.header_bytes));
    parser_->body_limit(limits_.body_bytes);
    beast_http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](const ErrorCode& code, size_t) { self->header_read(code); });
  }

  void header_read(const ErrorCode& code) {
    if (phase_ == Phase::closed) return;
    if (code) return unreadable(code);
    const auto& head = parser_->get();
    request_ = {};
    request_.method = std::string(head.method_string());
    request_.peer = peer_;
    for (const auto& field : head) {
      request_.headers.emplace_back(ascii_lower(std::string_view(field.name_string())), std::string(field.value()));
    }
    std::string_view target = head.target();
    if (target.starts_with("http://") || target.starts_with("https://")) {  // absolute form
      target.remove_prefix(target.find("://") + 3);
      const size_t slash = target.find('/');
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    const size_t question = target.find('?');
    if (question != std::string_view::npos) request_.query = target.substr(question + 1);
    const std::optional<std::string> path = percent_decoded(target.substr(0, question));
    const bool good = path && (path->starts_with("/") || (*path == "*" && request_.method == "OPTIONS"));
    if (!good) return refuse(400, "The address of the request cannot be read.");
    request_.path = *path;
    if (std::optional<HttpResponse> no = server_.handlers().door(request_)) return answer_early(std::move(*no));
    if (const auto length = parser_->content_length(); length && *length > limits_.body_bytes) {
      return refuse(413, fmt::format("The body of a request may have {} bytes at most.", limits_.body_bytes));
    }
    const size_t length = parser_->chunked() ? limits_.body_bytes : parser_->content_length().value_or(0);
    request_.room = server_.take_room(length);
    if (!request_.room) {
      return refuse(503, "Too many requests with long bodies are under way. Ask again later.");
    }
    enter(Phase::body);
    progress_.begin();
    if (ascii_lower(request_.header("expect")) == "100-continue") return send_continue();
    read_body();
  }

  void send_continue() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = this->shared_from_this()](const ErrorCode& code, size_t) {
                        if (code) return self->close();
                        if (self->phase_ != Phase::closed) self->read_body();
                      });
  }

  void read_body() {
    beast_http::async_read(stream_, buffer_, *parser_,
                           [self = this->shared_from_this()](const ErrorCode& code, size_t) { self->body_read(code); });
  }

  void body_read(const ErrorCode& code) {
    if (phase_ == Phase::closed) return;
    if (code) return unreadable(code);
    request_.body = std::move(parser_->get().body());
    const std::shared_ptr<Exchange> exchange = open_exchange(parser_->keep_alive());
    watch();
    server_.handlers().handle(std::move(request_), exchange);
  }

  std::shared_ptr<Exchange> open_exchange(bool keeps_alive) {
    box_ = std::make_shared<Outbox>();
    box_->keeps_alive = keeps_alive && !server_.draining();
    box_->http_1_0 = parser_->get().version() < 11;
    box_->head_only = request_.method == "HEAD";
    enter(Phase::answer);
    last_write_ = Clock::now();
    return std::make_shared<Answer>(box_, server_.io(), this->weak_from_this());
  }

  // Refused before its body was read: what still comes of that is read and thrown away, or the client would never see
  // the answer.
  void answer_early(HttpResponse response) {
    const bool body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    const std::shared_ptr<Exchange> exchange = open_exchange(!body && parser_->keep_alive());
    lingers_ = body;
    if (!body) watch();
    exchange->respond(std::move(response));
  }

  void refuse(int status, const std::string& message) {
    const std::shared_ptr<Exchange> exchange = open_exchange(false);
    lingers_ = true;
    exchange->respond(server_.handlers().refuse(status, message));
  }

  void unreadable(const ErrorCode& code) {
    if (code == beast_http::error::header_limit) {
      return refuse(431, fmt::format("The header of a request may have {} bytes at most.", limits_.header_bytes));
    }
    if (code == beast_http::error::body_limit) {
      return refuse(413, fmt::format("The body of a request may have {} bytes at most.", limits_.body_bytes));
    }
    const bool nonsense = code.category() == make_error_code(beast_http::error::bad_method).category() &&
                          code != beast_http::error::end_of_stream && code != beast_http::error::partial_message;
    if (!nonsense) return close();
    refuse(400, "This is no HTTP request that can be read: " + code.message() + ".");
  }

  // While an answer is under way: the next request may come early, or the end of the connection.
  void watch() {
    if (watching_ || buffer_.size() >= kPipelined) return;
    watching_ = true;
    stream_.async_read_some(buffer_.prepare(kReadPiece),
                            [self = this->shared_from_this()](const ErrorCode& code, size_t count) {
                              self->watching_ = false;
                              if (self->phase_ == Phase::closed) return;
                              const bool called_off = code == asio::error::operation_aborted && self->next_;
                              if (code && !called_off) return self->close();
                              self->buffer_.commit(count);
                              if (self->phase_ != Phase::idle) return self->watch();
                              self->next_request();
                            });
  }

  void tick_answer() {
    if (writing_) {
      if (progress_.too_slow(sent_, limits_.slow_seconds)) return close();
      const std::lock_guard lock(box_->mutex);
      if (box_->bytes.size() <= limits_.unread_bytes) return;
    } else {
      if (seconds_since(last_write_) < limits_.quiet_seconds) return;
      last_write_ = Clock::now();
      const std::lock_guard lock(box_->mutex);
      if (!box_->begun || box_->ended || box_->idle_text.empty()) return;
      frame(*box_, box_->idle_text);
    }
    if (writing_) return close();
    flush();
  }

  void send_some() {
    stream_.async_write_some(asio::buffer(sending_.data() + sent_, sending_.size() - sent_),
                             [self = this->shared_from_this()](const ErrorCode& code, size_t count) {
                               if (self->phase_ == Phase::closed) return;
                               if (code) return self->close();
                               self->sent_ += count;
                               if (self->sent_ < self->sending_.size()) return self->send_some();
                               self->sending_.clear();
                               self->writing_ = false;
                               self->last_write_ = Clock::now();
                               self->flush();
                             });
  }

  // The answer is sent.
  void finish() {
    bool close_now = false;
    {
      const std::lock_guard lock(box_->mutex);
      close_now = box_->close || server_.draining();
      box_->on_gone = nullptr;
    }
    box_.reset();
    if (lingers_ || close_now) return linger();
    enter(Phase::idle);
    if (!watching_) return next_request();
    if (buffer_.size() == 0) return;  // it brings the next request
    next_ = true;
    ErrorCode ignored;
    socket().cancel(ignored);
  }

  void next_request() {
    next_ = false;
    if (buffer_.size() > 0) enter(Phase::header);
    read_request();
  }

  void linger() {
    if (phase_ != Phase::linger) {
      enter(Phase::linger);
      ErrorCode ignored;
      socket().shutdown(tcp::socket::shutdown_send, ignored);
    }
    if (watching_) return;  // it sees the end
    buffer_.clear();
    socket().async_read_some(buffer_.prepare(kReadPiece),
                             [self = this->shared_from_this()](const ErrorCode& code, size_t count) {
                               self->lingered_ += count;
                               if (code || self->lingered_ > kLingerBytes) return self->close();
                               if (self->phase_ == Phase::linger) self->linger();
                             });
  }

  Stream stream_;
  Server& server_;
  const HttpLimits& limits_;
  uint64_t id_;
  std::string peer_;
  Phase phase_ = Phase::header;
  Clock::time_point entered_ = Clock::now();

  flat_buffer buffer_;
  std::optional<beast_http::request_parser<beast_http::string_body>> parser_;
  HttpRequest request_;
  bool watching_ = false;
  bool next_ = false;  // the next request is here: the watch is called off for it
  bool lingers_ = false;
  size_t lingered_ = 0;

  std::shared_ptr<Outbox> box_;
  std::string sending_;
  size_t sent_ = 0;
  bool writing_ = false;
  Clock::time_point last_write_;
  Progress progress_;  // of the body that is read or the bytes that are sent
};

}  // namespace

Result<void> HttpServer::Impl::prepare_tls() {
  if (options_.certificate.empty()) return {};
  tls_.emplace(asio::ssl::context::tls_server);
  ErrorCode code;
  tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_sslv3,
                    code);
  if (!code) tls_->use_certificate_chain_file(options_.certificate, code);
  if (code) return fail("the certificate {} cannot be used: {}", options_.certificate, Error{code.message()});
  tls_->use_private_key_file(options_.key, asio::ssl::context::pem, code);
  if (code) return fail("the key {} cannot be used: {}", options_.key, Error{code.message()});
  return {};
}

Result<void> HttpServer::Impl::listen() {
  ErrorCode code;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(options_.address, std::to_string(options_.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, code);
  if (code) return fail("the address {} is not known: {}", options_.address, Error{code.message()});
  port_ = options_.port;
  ErrorCode first;
  for (const auto& entry : found) {
    tcp::endpoint end = entry.endpoint();
    end.port(port_);
    tcp::acceptor acceptor(io_);
    acceptor.open(end.protocol(), code);
    if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code && end.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), code);
    if (!code) acceptor.bind(end, code);
    if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
    if (code) {
      if (!first) first = code;
      continue;
    }
    port_ = acceptor.local_endpoint().port();
    acceptors_.push_back(std::move(acceptor));
  }
  if (acceptors_.empty()) return listen_error(options_, first);
  return {};
}

void HttpServer::Impl::accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([this, &acceptor](const ErrorCode& code, tcp::socket socket) {
    if (!acceptor.is_open()) return;
    if (!code) {
      welcome(std::move(socket));
      return accept(acceptor);
    }
    // No descriptor is left, most likely: wait until there may be one.
    auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(100));
    pause->async_wait([this, &acceptor, pause](const ErrorCode& stopped) {
      if (!stopped && acceptor.is_open()) accept(acceptor);
    });
  });
}

void HttpServer::Impl::welcome(tcp::socket socket) {
  if (known_.size() >= options_.limits.connections) return;  // closed
  const uint64_t id = ++last_;
  const auto take = [&](auto stream) {
    using Kind = ClientConnection<decltype(stream), Impl>;
    const auto connection = std::make_shared<Kind>(std::move(stream), *this, id);
    known_[id] = connection;
    open_.store(known_.size());
    connection->start();
  };
  if (tls_) {
    take(asio::ssl::stream<tcp::socket>(std::move(socket), *tls_));
  } else {
    take(std::move(socket));
  }
}

// Kept alive while something is done to each, whichever of them closes meanwhile.
std::vector<std::shared_ptr<Connection>> HttpServer::Impl::all() {
  std::vector<std::shared_ptr<Connection>> out;
  out.reserve(known_.size());
  for (const auto& [id, connection] : known_) out.push_back(connection);
  return out;
}

void HttpServer::Impl::tick() {
  for (const auto& connection : all()) connection->tick();
  clock_.expires_after(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(kTickSeconds)));
  clock_.async_wait([this](const ErrorCode& code) {
    if (!code) tick();
  });
}

void HttpServer::Impl::run() {
  for (tcp::acceptor& acceptor : acceptors_) accept(acceptor);
  tick();
  io_.run();
}

void HttpServer::Impl::drain() {
  asio::post(io_, [this] {
    draining_ = true;
    for (const auto& connection : all()) connection->drain();
  });
}

void HttpServer::Impl::stop() {
  asio::post(io_, [this] {
    ErrorCode ignored;
    for (tcp::acceptor& acceptor : acceptors_) acceptor.close(ignored);
    clock_.cancel();
    for (const auto& connection : all()) connection->close();
    io_.stop();
  });
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpServerOptions options, HttpHandlers handlers) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handlers));
  MANG_TRY(impl->prepare_tls());
  MANG_TRY(impl->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const { return impl_->port(); }
void HttpServer::run() { impl_->run(); }
void HttpServer::drain() { impl_->drain(); }
void HttpServer::stop() { impl_->stop(); }
size_t HttpServer::connections() const { return impl_->connections(); }

}  // namespace mang::serve
