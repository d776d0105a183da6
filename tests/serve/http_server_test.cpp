// Connections: what is read, what is refused, and what happens to clients that are slow, silent or gone.
#include "serve/http_server.h"

#include <doctest/doctest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "serve/api_error.h"
#include "serve/client.h"

namespace mang::test {
namespace {

using serve::Exchange;
using serve::HttpHandlers;
using serve::HttpRequest;
using serve::HttpResponse;
using serve::HttpServer;
using serve::HttpServerOptions;

// Answers every request with its method, path and body, unless a test says otherwise.
struct EchoServer {
  explicit EchoServer(HttpServerOptions options = {}, HttpHandlers handlers = {}) {
    if (!handlers.door) handlers.door = [](HttpRequest&) { return std::nullopt; };
    if (!handlers.handle) {
      handlers.handle = [](HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
        exchange->respond({200, {}, request.method + " " + request.path + " " + request.body});
      };
    }
    handlers.refuse = [](int status, const std::string& message) { return HttpResponse{status, {}, message}; };
    server = HttpServer::open(std::move(options), std::move(handlers)).value();
    thread = std::thread([this] { server->run(); });
  }
  ~EchoServer() {
    server->stop();
    thread.join();
  }
  [[nodiscard]] uint16_t port() const { return server->port(); }
  // Waits until so many connections are open.
  [[nodiscard]] bool reaches(size_t connections, double seconds = 5) const {
    for (int i = 0; i < seconds * 100 && server->connections() != connections; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return server->connections() == connections;
  }
  std::unique_ptr<HttpServer> server;
  std::thread thread;
};

TEST_CASE("requests one after the other on one connection, also when they come before their turn") {
  const EchoServer s;
  Client client(s.port());
  client.send(http_request("POST", "/a%20b?x=1", "hello"));
  CHECK(client.reply().body == "POST /a b hello");
  client.send(http_request("GET", "/1") + http_request("POST", "/2", "two") + http_request("GET", "/3"));
  CHECK(client.reply().body == "GET /1 ");
  CHECK(client.reply().body == "POST /2 two");
  CHECK(client.reply().body == "GET /3 ");
}

TEST_CASE("a request in single bytes, and a body in chunks") {
  const EchoServer s;
  Client client(s.port());
  for (const char c : http_request("POST", "/slow", "body")) {
    client.send(std::string(1, c));
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  CHECK(client.reply().body == "POST /slow body");
  client.send("POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(client.reply().body == "POST /c abcde");
}

TEST_CASE("the ends a connection may have: close, HTTP/1.0, HEAD") {
  const EchoServer s;
  {
    Client client(s.port());
    client.send(http_request("GET", "/", "", "Connection: close\r\n"));
    CHECK(client.reply().headers.at("connection") == "close");
    CHECK(client.closed_within(5));
  }
  {
    Client client(s.port());
    client.send("GET / HTTP/1.0\r\n\r\n");
    CHECK(client.reply().status == 200);
    CHECK(client.closed_within(5));
  }
  {
    Client client(s.port());
    client.send(http_request("HEAD", "/"));
    const Reply reply = client.reply(5, true);
    CHECK(reply.headers.at("content-length") == "7");
    client.send(http_request("GET", "/next"));
    CHECK(client.reply().body == "GET /next ");
  }
  CHECK(s.reaches(0));
}

TEST_CASE("a client that asks whether it may send its body is told so") {
  const EchoServer s;
  Client client(s.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive_text("100 Continue").find("100 Continue") != std::string::npos);
  client.send("ok");
  CHECK(client.reply().body == "POST / ok");
}

TEST_CASE("what is no request is refused, and nothing after it is read") {
  HttpServerOptions options;
  options.limits.header_bytes = 2048;
  options.limits.body_bytes = 1000;
  std::atomic<int> handled = 0;
  HttpHandlers handlers;
  handlers.handle = [&](HttpRequest, const std::shared_ptr<Exchange>& exchange) {
    ++handled;
    exchange->respond({200, {}, ""});
  };
  const EchoServer s(options, handlers);
  const auto status = [&](const std::string& bytes) {
    Client client(s.port());
    client.send(bytes + http_request("GET", "/smuggled"));
    const int out = client.reply().status;
    CHECK(client.closed_within(5));
    return out;
  };
  CHECK(status("nonsense\r\n\r\n") == 400);
  CHECK(status("GET /\r\n\r\n") == 400);
  CHECK(status("GET / HTTP/1.1\r\nno colon\r\n\r\n") == 400);
  CHECK(status("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(status("GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(status("GET x HTTP/1.1\r\nHost: x\r\n\r\n") == 400);
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n") == 400);
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n") == 400);
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n") == 400);
  CHECK(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") == 400);
  CHECK(status("GET / HTTP/1.1\r\nX: " + std::string(4000, 'a') + "\r\n\r\n") == 431);
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n") == 413);
  CHECK(status("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n") == 400);
  CHECK(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'a') + "\r\n") ==
        413);
  CHECK(handled == 0);
}

TEST_CASE("the door refuses before the body is read") {
  HttpHandlers handlers;
  handlers.door = [](HttpRequest& head) -> std::optional<HttpResponse> {
    if (head.path == "/no") return HttpResponse{403, {}, "no"};
    return std::nullopt;
  };
  const EchoServer s({}, handlers);
  Client client(s.port());
  client.send("POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nthe beginning");
  const Reply reply = client.reply();
  CHECK(reply.status == 403);
  CHECK(reply.body == "no");
  client.send(std::string(100'000, 'x'));  // is still taken in, so that the answer arrives
  Client other(s.port());
  other.send(http_request("GET", "/no") + http_request("GET", "/yes"));
  CHECK(other.reply().status == 403);
  CHECK(other.reply().body == "GET /yes ");  // nothing was left unread, so the connection goes on
}

TEST_CASE("an answer in pieces, from another thread") {
  HttpHandlers handlers;
  std::vector<std::thread> writers;
  handlers.handle = [&](HttpRequest, std::shared_ptr<Exchange> exchange) {
    writers.emplace_back([exchange = std::move(exchange)] {
      exchange->begin(200, {{"content-type", "text/plain"}});
      for (int i = 0; i < 100; ++i) exchange->write(std::to_string(i) + ",");
      exchange->end();
    });
  };
  {
    const EchoServer s({}, handlers);
    Client client(s.port());
    client.send(http_request("GET", "/"));
    std::string expected;
    for (int i = 0; i < 100; ++i) expected += std::to_string(i) + ",";
    const Reply reply = client.reply();
    CHECK(reply.whole);
    CHECK(reply.body == expected);
  }
  for (std::thread& writer : writers) writer.join();
}

TEST_CASE("an answer that nobody gives, or nobody ends, is not waited for") {
  HttpHandlers handlers;
  handlers.handle = [](const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) {
    if (request.path == "/half") exchange->begin(200, {});
    if (request.path == "/half") exchange->write("something");
  };
  const EchoServer s({}, handlers);
  Client none(s.port());
  none.send(http_request("GET", "/none"));
  CHECK(none.reply().status == 500);
  Client half(s.port());
  half.send(http_request("GET", "/half"));
  const Reply reply = half.reply();
  CHECK(reply.status == 200);
  CHECK(!reply.whole);
  CHECK(half.closed_within(5));
}

// Keeps the exchange of every request, and notes who went.
struct Keeper {
  HttpHandlers handlers() {
    HttpHandlers out;
    out.handle = [this](HttpRequest, const std::shared_ptr<Exchange>& exchange) {
      const std::lock_guard lock(mutex);
      kept.push_back(exchange);
      exchange->on_gone([this] { ++gone; });
    };
    return out;
  }
  bool wait_for(const std::function<bool()>& what, double seconds = 5) {
    for (int i = 0; i < seconds * 100 && !what(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return what();
  }
  size_t count() {
    const std::lock_guard lock(mutex);
    return kept.size();
  }
  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> kept;
  std::atomic<int> gone = 0;
};

TEST_CASE("a client that goes is noticed at once, before and while it is answered") {
  Keeper keeper;
  const EchoServer s({}, keeper.handlers());
  {
    Client client(s.port());
    client.send(http_request("GET", "/"));
    REQUIRE(keeper.wait_for([&] { return keeper.count() == 1; }));
  }
  CHECK(keeper.wait_for([&] { return keeper.gone == 1; }, 0.25));
  {
    Client client(s.port());
    client.send(http_request("GET", "/"));
    REQUIRE(keeper.wait_for([&] { return keeper.count() == 2; }));
    keeper.kept[1]->begin(200, {});
    keeper.kept[1]->write("x");
    client.receive_text("x");
  }
  CHECK(keeper.wait_for([&] { return keeper.gone == 2; }, 0.25));
  bool late = false;
  keeper.kept[1]->on_gone([&] { late = true; });
  CHECK(late);
  keeper.kept[0]->respond({200, {}, "to nobody"});
  keeper.kept[1]->end();
  CHECK(s.reaches(0));
  keeper.kept.clear();
}

TEST_CASE("slow headers, slow bodies and slow readers are cut off; honest ones beside them are not") {
  HttpServerOptions options;
  options.limits.slow_seconds = 0.5;
  options.limits.idle_seconds = 1;
  Keeper keeper;
  HttpHandlers handlers = keeper.handlers();
  const auto keep = handlers.handle;
  handlers.handle = [keep](HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
    if (request.path == "/keep") return keep(std::move(request), exchange);
    exchange->respond({200, {}, "ok"});
  };
  const EchoServer s(options, handlers);
  Client header(s.port()), body(s.port()), silent(s.port()), reader(s.port()), waiting(s.port()), idle(s.port());
  header.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc");
  reader.send(http_request("GET", "/keep"));
  REQUIRE(keeper.wait_for([&] { return keeper.count() == 1; }));
  keeper.kept[0]->begin(200, {});
  for (int i = 0; i < 64; ++i) keeper.kept[0]->write(std::string(256 * 1024, 'x'));  // more than sockets hold
  waiting.send(http_request("GET", "/keep"));  // whose answer takes long: that is nobody's fault
  idle.send(http_request("GET", "/"));
  CHECK(idle.reply().body == "ok");
  CHECK(header.closed_within(3));
  CHECK(body.closed_within(3));
  CHECK(silent.closed_within(3));
  CHECK(keeper.wait_for([&] { return keeper.gone == 1; }, 3));
  CHECK(idle.closed_within(4));
  REQUIRE(keeper.wait_for([&] { return keeper.count() == 2; }));
  keeper.kept[1]->respond({200, {}, "at last"});
  CHECK(waiting.reply().body == "at last");
  keeper.kept.clear();
}

TEST_CASE("silence is filled where that was asked for") {
  HttpServerOptions options;
  options.limits.quiet_seconds = 0.3;
  Keeper keeper;
  const EchoServer s(options, keeper.handlers());
  Client client(s.port());
  client.send(http_request("GET", "/"));
  REQUIRE(keeper.wait_for([&] { return keeper.count() == 1; }));
  keeper.kept[0]->begin(200, {});
  keeper.kept[0]->set_idle_text(": wait\n\n");
  CHECK(client.receive_text(": wait", 3).find(": wait") != std::string::npos);
  keeper.kept[0]->write("data");
  keeper.kept[0]->end();
  CHECK(client.reply().body.ends_with("data"));
  keeper.kept.clear();
}

TEST_CASE("draining closes what is idle at once, and the rest after its answer") {
  Keeper keeper;
  const EchoServer s({}, keeper.handlers());
  Client busy(s.port()), idle(s.port());
  busy.send(http_request("GET", "/"));
  REQUIRE(keeper.wait_for([&] { return keeper.count() == 1; }));
  s.server->drain();
  CHECK(idle.closed_within(3));
  keeper.kept[0]->respond({200, {}, "whole"});
  CHECK(busy.reply().body == "whole");
  CHECK(busy.closed_within(3));
  keeper.kept.clear();
}

TEST_CASE("bodies take only so much memory together; room comes back when a request is dealt with") {
  HttpServerOptions options;
  options.limits.all_bodies_bytes = 2500;
  Keeper keeper;
  HttpHandlers handlers = keeper.handlers();
  const auto keep = handlers.handle;
  std::vector<HttpRequest> requests;
  std::mutex mutex;
  handlers.handle = [&](HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
    {
      const std::lock_guard lock(mutex);
      requests.push_back(request);
    }
    keep(std::move(request), exchange);
  };
  const EchoServer s(options, handlers);
  const std::string body(1000, 'b');
  Client a(s.port()), b(s.port()), c(s.port()), d(s.port());
  a.send(http_request("POST", "/", body));
  b.send(http_request("POST", "/", body));
  REQUIRE(keeper.wait_for([&] { return keeper.count() == 2; }));
  c.send(http_request("POST", "/", body));
  CHECK(c.reply().status == 503);
  d.send(http_request("POST", "/", "small"));
  REQUIRE(keeper.wait_for([&] { return keeper.count() == 3; }));
  {
    const std::lock_guard lock(mutex);
    requests.clear();
  }
  Client e(s.port());
  e.send(http_request("POST", "/", body));
  CHECK(keeper.wait_for([&] { return keeper.count() == 4; }));
  keeper.kept.clear();
  requests.clear();
}

TEST_CASE("no more connections than there may be") {
  HttpServerOptions options;
  options.limits.connections = 2;
  const EchoServer s(options);
  Client a(s.port()), b(s.port());
  CHECK(s.reaches(2));
  Client c(s.port());
  CHECK(c.closed_within(3));
  a.send(http_request("GET", "/"));
  CHECK(a.reply().status == 200);
}

TEST_CASE("a port that is taken is an error that says so") {
  const EchoServer s;
  HttpServerOptions options;
  options.port = s.port();
  HttpHandlers none;
  const auto second = HttpServer::open(options, none);
  REQUIRE(!second.ok());
  CHECK(second.error().message.find("in use by another program") != std::string::npos);
  options.port = 0;
  options.address = "no.such.name.invalid";
  CHECK(!HttpServer::open(options, none).ok());
  options.address = "127.0.0.1";
  options.certificate = "/nowhere/cert.pem";
  const auto bad = HttpServer::open(options, none);
  REQUIRE(!bad.ok());
  CHECK(bad.error().message.find("/nowhere/cert.pem") != std::string::npos);
}

}  // namespace
}  // namespace mang::test
