// Who is let in, what happens when too much comes, and how the server ends.
#include <doctest/doctest.h>

#include "serve/serve_fixture.h"

namespace mang::test {
namespace {

constexpr const char* kChat = "/v1/chat/completions";
const std::string kLong(200, 'a');

TEST_CASE("health and readiness, and what is not there") {
  const ServeFixture f;
  CHECK(f.ask("GET", "/health").json()["status"] == "ok");
  Reply ready = f.ask("GET", "/ready");  // nothing has asked for a model yet
  CHECK(ready.status == 503);
  CHECK(f.post(kChat, chat_body("hi")).status == 200);
  CHECK(f.ask("GET", "/ready").status == 200);
  const Reply missing = f.ask("GET", "/v2/nothing");
  CHECK(missing.status == 404);
  CHECK(missing.json()["error"]["type"] == "not_found_error");
  const Reply method = f.ask("GET", kChat);
  CHECK(method.status == 405);
  CHECK(method.json()["error"]["message"] == "/v1/chat/completions is answered to POST, not to GET.");
  CHECK(f.ask("HEAD", "/health").status == 200);
}

TEST_CASE("the models, and one of them") {
  const ServeFixture f;
  Json models = f.ask("GET", "/v1/models").json();
  REQUIRE(models["data"].size() == 2);
  CHECK(models["data"][0]["id"] == "echo");
  CHECK(models["data"][0]["loaded"] == false);
  CHECK(f.post(kChat, chat_body("hi")).status == 200);
  CHECK(f.ask("GET", "/v1/models/echo").json()["max_model_len"] == 4096);
  CHECK(f.ask("GET", "/v1/models/none").status == 404);
}

TEST_CASE("tokens and back, and the prompt a conversation becomes") {
  const ServeFixture f;
  CHECK(f.post("/tokenize", {{"content", "ab"}}).json()["tokens"] == Json::array({97, 98}));
  CHECK(f.post("/detokenize", {{"tokens", {97, 98}}}).json()["content"] == "ab");
  CHECK(f.post("/detokenize", {{"tokens", {97, 9999}}}).status == 400);
  CHECK(f.post("/tokenize", {{"text", "ab"}}).status == 400);
}

TEST_CASE("bodies that are no JSON, or too deep") {
  const ServeFixture f;
  for (const std::string& body : {std::string("{"), std::string("[]"), std::string(""), std::string("\xFF\xFE"),
                                  "{\"messages\": " + std::string(100'000, '[') + "}"}) {
    const Reply reply = f.ask("POST", kChat, body);
    CHECK(reply.status == 400);
    CHECK(reply.json()["error"]["message"].is_string());
  }
}

TEST_CASE("a foreign host or page is turned away") {
  serve::ServerOptions options;
  options.gate = {{"mang.example"}, {"https://friend.example"}};
  const ServeFixture f({}, options);
  const auto with = [&](const std::string& headers) {
    Client client(f.port());
    client.send("GET /health HTTP/1.1\r\n" + headers + "\r\n");
    return client.reply();
  };
  CHECK(with("Host: localhost:1234\r\n").status == 200);
  CHECK(with("Host: 127.0.0.1\r\n").status == 200);
  CHECK(with("Host: [::1]:80\r\n").status == 200);
  CHECK(with("Host: MANG.example\r\n").status == 200);
  CHECK(with("Host: evil.example\r\n").status == 403);
  CHECK(with("Host: 127.0.0.1.evil.example\r\n").status == 403);
  CHECK(with("Host: localhost.evil.example\r\n").status == 403);
  CHECK(with("").status == 403);
  CHECK(with("Host: localhost\r\nOrigin: https://evil.example\r\n").status == 403);
  CHECK(with("Host: localhost\r\nOrigin: null\r\n").status == 403);
  CHECK(with("Host: localhost:1\r\nOrigin: http://localhost:1\r\n").status == 200);
  const Reply friendly = with("Host: localhost\r\nOrigin: https://friend.example\r\n");
  CHECK(friendly.status == 200);
  CHECK(friendly.headers.at("access-control-allow-origin") == "https://friend.example");
  Client client(f.port());
  client.send(
      "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: https://friend.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n");
  const Reply preflight = client.reply();
  CHECK(preflight.status == 204);
  CHECK(preflight.headers.at("access-control-allow-headers") == "content-type");
}

TEST_CASE("keys: who has none is told how, who has a wrong one is not, and each sees its own cache") {
  serve::Keys keys;
  keys.add("an", "key-of-an-1234");
  keys.add("binh", "key-of-binh-1234");
  const ServeFixture f({}, {}, std::move(keys));
  CHECK(f.ask("GET", "/health").status == 200);
  CHECK(f.ask("GET", "/v1/models").status == 401);
  CHECK(f.post(kChat, chat_body("hi")).json()["error"]["code"] == "no_api_key");
  CHECK(f.post(kChat, chat_body("hi"), "Authorization: Bearer wrong\r\n").json()["error"]["code"] == "invalid_api_key");
  CHECK(f.ask("GET", "/nothing").status == 401);  // not even what there is
  for (const char* header : {"Authorization: Bearer key-of-an-1234\r\n", "authorization: bearer  key-of-an-1234 \r\n",
                             "x-api-key: key-of-an-1234\r\n", "api-key: key-of-an-1234\r\n"}) {
    CHECK(f.post(kChat, chat_body("hi"), header).status == 200);
  }
  const auto cached = [&](const char* header) {
    const Json usage = f.post(kChat, chat_body(kLong), header).json()["usage"];
    return usage["prompt_tokens_details"]["cached_tokens"].get<int>();
  };
  CHECK(cached("x-api-key: key-of-an-1234\r\n") == 0);
  CHECK(cached("x-api-key: key-of-an-1234\r\n") == 192);
  CHECK(cached("x-api-key: key-of-binh-1234\r\n") == 0);
}

TEST_CASE("a key's limits") {
  serve::Keys keys;
  keys.add("few", "key-with-requests", {.requests_a_minute = 2});
  keys.add("short", "key-with-tokens", {.tokens_a_minute = 10});
  ServeFixture f({}, {}, std::move(keys));
  const char* few = "x-api-key: key-with-requests\r\n";
  CHECK(f.post(kChat, chat_body("hi"), few).status == 200);
  CHECK(f.post(kChat, chat_body("hi"), few).status == 200);
  const Reply third = f.post(kChat, chat_body("hi"), few);
  CHECK(third.status == 429);
  CHECK(third.json()["error"]["type"] == "rate_limit_error");
  const int wait = std::stoi(third.headers.at("retry-after"));
  CHECK(wait > 20);
  CHECK(wait <= 31);
  CHECK(f.ask("GET", "/v1/models", "", few).status == 200);  // costs nothing
  const char* tokens = "x-api-key: key-with-tokens\r\n";
  CHECK(f.post(kChat, chat_body("hello hello"), tokens).status == 200);
  (void)f.log_of(5);  // what it cost is counted when it has ended
  CHECK(f.post(kChat, chat_body("hi"), tokens).status == 429);
}

TEST_CASE("a server that others can reach does not start without a key") {
  serve::ServerOptions options;
  options.http.address = "0.0.0.0";
  const auto open = [&](serve::Keys keys) {
    auto shelf = std::make_unique<serve::ModelShelf>(std::vector<std::string>{"echo"}, [](const std::string& name) {
      return Result<serve::OpenModel>(EchoModel::open(name, {}));
    });
    return serve::Server::open(options, std::move(keys), std::move(shelf));
  };
  const auto without = open({});
  REQUIRE(!without.ok());
  CHECK(without.error().message.find("--api-key-file") != std::string::npos);
  serve::Keys keys;
  keys.add("an", "key-of-an-1234");
  CHECK(open(std::move(keys)).ok());
  options.http.address = "127.0.0.2";
  CHECK(open({}).ok());
}

TEST_CASE("too many requests: told to come again, at once; the others are answered") {
  serve::ServerOptions options;
  options.most_under_way = 4;
  const ServeFixture f({.seconds_a_token = 0.002}, options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Client>(f.port()));
    clients.back()->send(http_request("POST", kChat, dump_json(chat_body(kLong, {{"stream", true}}))));
    REQUIRE(clients.back()->receive_text("data: ").find("data: ") != std::string::npos);
  }
  const Reply refused = f.post(kChat, chat_body("hi"));
  CHECK(refused.status == 503);
  CHECK(refused.headers.contains("retry-after"));
  CHECK(refused.json()["error"]["code"] == "overloaded");
  CHECK(f.ask("GET", "/health").status == 200);
  for (const auto& client : clients) {
    const Reply reply = client->reply(30);
    CHECK(reply.whole);
    events_of(reply.body);
  }
  CHECK(f.post(kChat, chat_body("hi")).status == 200);
}

TEST_CASE("a client that goes frees its place and the model's memory; the others notice nothing") {
  ServeFixture f({.seconds_a_token = 0.001});
  const Json alone = f.post(kChat, chat_body(kLong)).json()["choices"];
  Client stays(f.port());
  {
    Client goes(f.port());
    goes.send(http_request("POST", kChat, dump_json(chat_body(std::string(1000, 'b'), {{"stream", true}}))));
    goes.receive_text("\"b\"");
    stays.send(http_request("POST", kChat, dump_json(chat_body(kLong))));
  }
  const auto begun = std::chrono::steady_clock::now();
  const std::vector<std::string> log = f.log_of(2);  // of the first chat, and of the client that went
  REQUIRE(log.size() >= 2);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() < 2);
  CHECK(stays.reply(30).json()["choices"] == alone);
  const auto host = f.server().shelf().open_one("echo");
  const Engine& engine = *host->model().engine;
  for (int i = 0; i < 200 && engine.free_blocks() < engine.blocks(); ++i) {  // told at the end of a step
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(engine.free_blocks() == engine.blocks());
}

TEST_CASE("asked to end, the server refuses what is new, ends what was begun, and says so in between") {
  ServeFixture f({.seconds_a_token = 0.003});
  Client busy(f.port()), later(f.port());
  busy.send(http_request("POST", kChat, dump_json(chat_body(kLong, {{"stream", true}}))));
  busy.receive_text("data: ");
  f.begin_to_end();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(f.ask("GET", "/ready").status == 503);
  const Reply refused = f.post(kChat, chat_body("hi"));
  CHECK(refused.status == 503);
  CHECK(refused.json()["error"]["code"] == "shutting_down");
  const Reply reply = busy.reply(30);
  CHECK(reply.whole);
  std::string text;
  for (const Json& event : events_of(reply.body)) {
    const Json& delta = event["choices"][0]["delta"];
    if (delta.contains("content")) text += delta["content"].get<std::string>();
  }
  CHECK(text == kLong);
  f.end();
}

TEST_CASE("what takes longer than the grace is cut off, and the server ends") {
  serve::ServerOptions options;
  options.grace_seconds = 0.3;
  ServeFixture f({.seconds_a_token = 0.01}, options);
  Client busy(f.port());
  busy.send(http_request("POST", kChat, dump_json(chat_body(std::string(2000, 'a'), {{"stream", true}}))));
  busy.receive_text("\"a\"", 60);
  const auto begun = std::chrono::steady_clock::now();
  f.end();
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() < 10);
  CHECK(!busy.reply().whole);
}

TEST_CASE("what was done is counted, for Prometheus") {
  ServeFixture f;
  CHECK(f.post(kChat, chat_body("hello")).status == 200);
  CHECK(f.ask("GET", "/nothing").status == 404);
  (void)f.log_of(2);
  const auto host = f.server().shelf().open_one("echo");
  for (int i = 0; i < 200 && host->model().engine->free_blocks() < host->model().engine->blocks(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const Reply reply = f.ask("GET", "/metrics");
  CHECK(reply.headers.at("content-type").starts_with("text/plain; version=0.0.4"));
  const auto has = [&](const std::string& line) {
    return ("\n" + reply.body).find("\n" + line + "\n") != std::string::npos;
  };
  CHECK(has("mang_requests_total{route=\"/v1/chat/completions\",status=\"200\"} 1"));
  CHECK(has("mang_requests_refused_total{reason=\"not_found\"} 1"));
  CHECK(has("mang_generated_tokens_total{model=\"echo\"} 6"));
  CHECK(has("mang_answers_total{model=\"echo\",reason=\"stop token\"} 1"));
  CHECK(has("mang_time_to_first_token_seconds_count{model=\"echo\"} 1"));
  CHECK(has("mang_time_per_token_seconds_count{model=\"echo\"} 5"));
  CHECK(has("mang_generations_under_way 0"));
  CHECK(has("mang_kv_blocks_used{model=\"echo\"} 0"));
}

TEST_CASE("the log has a line for each request, and nothing of what was said") {
  ServeFixture f;
  CHECK(f.post(kChat, chat_body("secret")).status == 200);
  (void)f.log_of(1);  // an answer may be read before its line is written
  CHECK(f.ask("GET", "/nothing").status == 404);
  const std::vector<std::string> lines = f.log_of(2);
  REQUIRE(lines.size() == 2);
  const Json chat = parse_json(lines[0], "log").value();
  CHECK(chat["path"] == kChat);
  CHECK(chat["status"] == 200);
  CHECK(chat["peer"] == "127.0.0.1");
  CHECK(chat["id"].get<std::string>().starts_with("req-"));
  CHECK(lines[0].find("secret") == std::string::npos);
  CHECK(parse_json(lines[1], "log").value()["status"] == 404);
}

}  // namespace
}  // namespace mang::test
