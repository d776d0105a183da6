// POST /v1/messages and /v1/messages/count_tokens over a real connection.
#include <doctest/doctest.h>

#include "serve/serve_fixture.h"

namespace mang::test {
namespace {

constexpr const char* kMessages = "/v1/messages";
constexpr const char* kCount = "/v1/messages/count_tokens";

Json messages_body(const std::string& text, Json more = Json::object()) {
  Json body = chat_body(text, std::move(more));
  if (!body.contains("max_tokens")) body["max_tokens"] = 200;
  return body;
}

// The data of a stream of named events, each of which must be of the type its name says.
std::vector<Json> named_events(const std::string& stream) {
  std::vector<Json> out;
  for (size_t at = 0; at < stream.size();) {
    const size_t end = stream.find("\n\n", at);
    REQUIRE(end != std::string::npos);
    const std::string event = stream.substr(at, end - at);
    at = end + 2;
    REQUIRE(event.starts_with("event: "));
    const size_t data = event.find("\ndata: ");
    REQUIRE(data != std::string::npos);
    out.push_back(parse_json(event.substr(data + 7), "event").value());
    CHECK(out.back()["type"] == event.substr(7, data - 7));
  }
  return out;
}

std::vector<std::string> types_of(const std::vector<Json>& events) {
  std::vector<std::string> out;
  for (const Json& event : events) {
    const std::string type = event["type"];
    if (out.empty() || out.back() != type) out.push_back(type);
  }
  return out;
}

std::string refusal(const ServeFixture& f, const Json& body, const char* path = kMessages) {
  const Reply reply = f.post(path, body);
  CHECK(reply.status == 400);
  const Json error = reply.json();
  CHECK(error["type"] == "error");
  CHECK(error["error"]["type"] == "invalid_request_error");
  return error["error"]["message"];
}

TEST_CASE("a message is answered as a whole, with its figures") {
  const ServeFixture f;
  const Json answer = f.post(kMessages, messages_body("Tre già măng mọc"), "anthropic-version: 2023-06-01\r\n").json();
  CHECK(answer["id"].get<std::string>().starts_with("msg_"));
  CHECK(answer["type"] == "message");
  CHECK(answer["role"] == "assistant");
  CHECK(answer["model"] == "echo");
  CHECK(answer["content"] == Json::array({Json{{"type", "text"}, {"text", "Tre già măng mọc"}}}));
  CHECK(answer["stop_reason"] == "end_turn");
  CHECK(answer["stop_sequence"].is_null());
  CHECK(answer["usage"]["output_tokens"] == static_cast<int64_t>(std::string("Tre già măng mọc").size()) + 1);
  CHECK(answer["usage"]["cache_read_input_tokens"] == 0);
  CHECK(!answer["mang"].contains("ignored"));
}

TEST_CASE("what came from the cache does not count as input") {
  const ServeFixture f;
  const Json body = messages_body(std::string(300, 'a'), {{"max_tokens", 2}});
  const Json first = f.post(kMessages, body).json()["usage"];
  const Json second = f.post(kMessages, body).json()["usage"];
  CHECK(first["cache_read_input_tokens"] == 0);
  CHECK(second["cache_read_input_tokens"] == 256);
  CHECK(second["input_tokens"].get<int>() + 256 == first["input_tokens"].get<int>());
  CHECK(second["cache_creation_input_tokens"] == 0);
}

TEST_CASE("thinking is a block of its own, before the text") {
  const ServeFixture f;
  const Json content = f.post(kMessages, messages_body("<think>\nhm\n</think>\n\nhello")).json()["content"];
  REQUIRE(content.size() == 2);
  CHECK(content[0] == Json{{"type", "thinking"}, {"thinking", "hm"}, {"signature", ""}});
  CHECK(content[1] == Json{{"type", "text"}, {"text", "hello"}});
}

TEST_CASE("a stream has its events in the order clients expect") {
  const ServeFixture f;
  const Reply reply = f.post(kMessages, messages_body("<think>\nhm\n</think>\n\nhello", {{"stream", true}}));
  CHECK(reply.status == 200);
  CHECK(reply.headers.at("content-type") == "text/event-stream");
  const std::vector<Json> events = named_events(reply.body);
  CHECK(types_of(events) == std::vector<std::string>{"message_start", "content_block_start", "content_block_delta",
                                                     "content_block_stop", "content_block_start", "content_block_delta",
                                                     "content_block_stop", "message_delta", "message_stop"});
  const Json& start = events.front()["message"];
  CHECK(start["content"] == Json::array());
  CHECK(start["stop_reason"].is_null());
  std::string thinking, text;
  std::vector<std::string> deltas;
  for (const Json& event : events) {
    if (event["type"] == "content_block_start") {
      CHECK(event["content_block"]["type"] == (event["index"] == 0 ? "thinking" : "text"));
    }
    if (event["type"] != "content_block_delta") continue;
    const Json& delta = event["delta"];
    if (deltas.empty() || deltas.back() != delta["type"]) deltas.push_back(delta["type"]);
    CHECK(event["index"] == (delta["type"] == "text_delta" ? 1 : 0));
    if (delta["type"] == "thinking_delta") thinking += delta["thinking"].get<std::string>();
    if (delta["type"] == "text_delta") text += delta["text"].get<std::string>();
  }
  CHECK(deltas == std::vector<std::string>{"thinking_delta", "signature_delta", "text_delta"});
  CHECK(thinking == "hm");
  CHECK(text == "hello");
  const Json& end = events[events.size() - 2];
  CHECK(end["delta"] == Json{{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}});
  CHECK(end["usage"]["input_tokens"] == start["usage"]["input_tokens"]);
  CHECK(end["usage"]["output_tokens"].get<int>() > 5);
}

TEST_CASE("an answer of nothing is a stream without blocks") {
  const ServeFixture f;
  const std::vector<Json> events = named_events(f.post(kMessages, messages_body("", {{"stream", true}})).body);
  CHECK(types_of(events) == std::vector<std::string>{"message_start", "message_delta", "message_stop"});
  CHECK(f.post(kMessages, messages_body("")).json()["content"] == Json::array());
}

TEST_CASE("while nothing comes, a stream sends pings") {
  serve::ServerOptions options;
  options.http.limits.quiet_seconds = 0.05;
  const ServeFixture f({.seconds_a_token = 0.3}, options);
  size_t pings = 0;
  std::string text;
  for (const Json& event : named_events(f.post(kMessages, messages_body("abc", {{"stream", true}})).body)) {
    if (event["type"] == "ping") ++pings;
    if (event["type"] == "content_block_delta") text += event["delta"]["text"].get<std::string>();
  }
  CHECK(pings > 0);
  CHECK(text == "abc");
}

TEST_CASE("what ended the message: its length, a stop sequence, the context") {
  const ServeFixture f;
  Json cut = f.post(kMessages, messages_body("one two", {{"max_tokens", 3}})).json();
  CHECK(cut["content"][0]["text"] == "one");
  CHECK(cut["stop_reason"] == "max_tokens");
  cut = f.post(kMessages, messages_body("one two", {{"stop_sequences", {"x", " t"}}})).json();
  CHECK(cut["content"][0]["text"] == "one");
  CHECK(cut["stop_reason"] == "stop_sequence");
  CHECK(cut["stop_sequence"] == " t");
  const ServeFixture small({.context = 64});
  CHECK(small.post(kMessages, messages_body(std::string(30, 'a'))).json()["stop_reason"] ==
        "model_context_window_exceeded");
}

TEST_CASE("the conversation reaches the template: system, tools, thinking, turns of one side") {
  const ServeFixture f;
  // The echo model's template writes each message as "role: content\n"; tokens are bytes.
  const auto count = [&](const Json& body) { return f.post(kCount, body).json()["input_tokens"].get<size_t>(); };
  const auto size = [](const std::string& prompt) { return (prompt + "assistant: ").size(); };
  CHECK(count(chat_body("hi")) == size("user: hi\n"));
  CHECK(count(chat_body("hi", {{"system", "Be kind."}})) == size("system: Be kind.\nuser: hi\n"));
  const Json blocks = {{{"type", "text"}, {"text", "A"}, {"cache_control", {{"type", "ephemeral"}}}},
                       {{"type", "text"}, {"text", "B"}}};
  CHECK(count(chat_body("hi", {{"system", blocks}})) == size("system: A\n\nB\nuser: hi\n"));
  const auto talk = [](const Json& messages) { return Json{{"model", "echo"}, {"messages", messages}}; };
  CHECK(count(talk({{{"role", "user"}, {"content", blocks}}, {{"role", "user"}, {"content", "C"}}})) ==
        size("user: AB\n\nC\n"));
  const Json call = {{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "s"}},
                     {{"type", "text"}, {"text", "look"}},
                     {{"type", "tool_use"}, {"id", "t1"}, {"name", "weather"}, {"input", {{"city", "Huế"}}}}};
  const Json result = {{{"type", "tool_result"}, {"tool_use_id", "t1"}, {"content", blocks}},
                       {{"type", "tool_result"}, {"tool_use_id", "t2"}},
                       {{"type", "text"}, {"text", "so?"}}};
  CHECK(count(talk({{{"role", "user"}, {"content", "rain?"}},
                    {{"role", "assistant"}, {"content", call}},
                    {{"role", "user"}, {"content", result}}})) ==
        size("user: rain?\nassistant: look\ntool: AB\ntool: \nuser: so?\n"));
}

TEST_CASE("counting needs no max_tokens and is no generation") {
  serve::ServerOptions options;
  options.most_under_way = 0;
  const ServeFixture f({}, options);
  CHECK(f.post(kCount, chat_body("hi")).status == 200);
  const Reply full = f.post(kMessages, messages_body("hi"));
  CHECK(full.status == 503);
  CHECK(full.json()["error"]["type"] == "overloaded_error");
}

TEST_CASE("what cannot be done is refused by name") {
  const ServeFixture f;
  CHECK(refusal(f, chat_body("x")).find("'max_tokens'") != std::string::npos);
  CHECK(refusal(f, messages_body("x", {{"max_tokens", 0}})).find("'max_tokens'") != std::string::npos);
  CHECK(refusal(f, messages_body("x", {{"tools", {{{"name", "a"}}}}})) == "'tools' is not served yet.");
  CHECK(refusal(f, messages_body("x", {{"stop_sequences", "a"}})).find("'stop_sequences'") != std::string::npos);
  CHECK(refusal(f, messages_body("x", {{"thinking", {{"type", "deep"}}}})).find("'type'") != std::string::npos);
  CHECK(refusal(f, messages_body("x", {{"thinking", {{"type", "enabled"}, {"budget_tokens", 1024}}}}))
            .find("'thinking'") != std::string::npos);
  CHECK(refusal(f, {{"model", "echo"}, {"max_tokens", 5}}).find("'messages'") != std::string::npos);
  Json body = messages_body("x");
  body["messages"] = {{{"role", "user"}, {"content", {{{"type", "image"}, {"source", Json::object()}}}}}};
  CHECK(refusal(f, body) == "messages[0].content[0]: this model reads text, and no part of the type 'image'.");
  body["messages"] = {{{"role", "user"}, {"content", "a"}}, {{"role", "assistant"}, {"content", "b"}}};
  CHECK(refusal(f, body).find("continuing") != std::string::npos);
  body["messages"] = {{{"role", "robot"}, {"content", "a"}}};
  CHECK(refusal(f, body).find("messages[0]: 'role'") == 0);
  for (const Json& odd : {Json(3), Json("a"), Json(nullptr), Json{{"role", 1}}, Json{{"role", "user"}}}) {
    body["messages"] = Json::array({odd});
    CHECK(refusal(f, body).find("messages[0]") == 0);
  }
  for (const Json& odd : {Json(3), Json{{"type", 4}}, Json{{"type", "tool_use"}}, Json{{"type", "thinking"}}}) {
    body["messages"] = {{{"role", "assistant"}, {"content", Json::array({odd})}}};
    CHECK(refusal(f, body).find("messages[0].content[0]") == 0);
  }
}

TEST_CASE("a budget for thinking and fields nobody knows are told as ignored") {
  const ServeFixture f;
  const Json body = messages_body("hi", {{"thinking", {{"type", "disabled"}, {"budget_tokens", 1024}}},
                                         {"sparkle", 1},
                                         {"metadata", {{"user_id", "a"}}},
                                         {"top_k", 5}});
  const Json ignored = Json::array({"thinking.budget_tokens", "sparkle"});
  CHECK(f.post(kMessages, body).json()["mang"]["ignored"] == ignored);
  Json stream = body;
  stream["stream"] = true;
  const std::vector<Json> events = named_events(f.post(kMessages, stream).body);
  CHECK(events[events.size() - 2]["mang"]["ignored"] == ignored);
}

TEST_CASE("a prompt that does not fit is refused in the words clients look for") {
  const ServeFixture f({.context = 64});
  CHECK(refusal(f, messages_body(std::string(100, 'a'))).find("prompt is too long: 118 tokens > 63 maximum") !=
        std::string::npos);
}

TEST_CASE("models and keys that are not there, in the API's own words") {
  serve::Keys keys;
  keys.add("an", "key-of-an-1234");
  const ServeFixture f({}, {}, std::move(keys));
  const Reply nobody = f.post(kMessages, messages_body("hi"));
  CHECK(nobody.status == 401);
  CHECK(nobody.json()["error"]["type"] == "authentication_error");
  Json body = messages_body("hi");
  const char* key = "x-api-key: key-of-an-1234\r\n";
  CHECK(f.post(kMessages, body, key).status == 200);
  body["model"] = "claude";
  const Reply missing = f.post(kMessages, body, key);
  CHECK(missing.status == 404);
  CHECK(missing.json()["type"] == "error");
  CHECK(missing.json()["error"]["type"] == "not_found_error");
}

}  // namespace
}  // namespace mang::test
