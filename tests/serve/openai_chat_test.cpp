// POST /v1/chat/completions over a real connection.
#include <doctest/doctest.h>

#include "serve/serve_fixture.h"

namespace mang::test {
namespace {

constexpr const char* kChat = "/v1/chat/completions";

TEST_CASE("a chat is answered as a whole, with its figures") {
  const ServeFixture f;
  const Reply reply = f.post(kChat, chat_body("Tre già măng mọc 🎋"));
  CHECK(reply.status == 200);
  CHECK(reply.headers.at("content-type") == "application/json");
  CHECK(reply.headers.at("x-request-id").starts_with("req-"));
  const Json answer = reply.json();
  CHECK(answer["object"] == "chat.completion");
  CHECK(answer["id"].get<std::string>().starts_with("chatcmpl-"));
  CHECK(answer["model"] == "echo");
  REQUIRE(answer["choices"].size() == 1);
  const Json& choice = answer["choices"][0];
  CHECK(choice["message"]["role"] == "assistant");
  CHECK(choice["message"]["content"] == "Tre già măng mọc 🎋");
  CHECK(!choice["message"].contains("reasoning_content"));
  CHECK(choice["finish_reason"] == "stop");
  const Json& usage = answer["usage"];
  const int64_t written = static_cast<int64_t>(std::string("Tre già măng mọc 🎋").size()) + 1;
  CHECK(usage["completion_tokens"] == written);
  CHECK(usage["total_tokens"] == usage["prompt_tokens"].get<int64_t>() + written);
  CHECK(usage["prompt_tokens_details"]["cached_tokens"] == 0);
  CHECK(answer["timings"]["predicted_n"] == written);
  CHECK(answer["mang"].contains("seed"));
}

TEST_CASE("a stream says the same in pieces") {
  const ServeFixture f;
  Json body = chat_body("Tre già măng mọc 🎋", {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  const Reply reply = f.post(kChat, body);
  CHECK(reply.status == 200);
  CHECK(reply.headers.at("content-type") == "text/event-stream");
  const std::vector<Json> events = events_of(reply.body);
  REQUIRE(events.size() > 3);
  CHECK(events[0]["choices"][0]["delta"] == Json{{"role", "assistant"}, {"content", ""}});
  std::string text, reason;
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    CHECK(events[i]["object"] == "chat.completion.chunk");
    CHECK(events[i]["id"] == events[0]["id"]);
    CHECK(events[i]["usage"].is_null());
    const Json& choice = events[i]["choices"][0];
    if (choice["delta"].contains("content")) text += choice["delta"]["content"].get<std::string>();
    if (choice["finish_reason"].is_string()) reason += choice["finish_reason"].get<std::string>();
  }
  CHECK(text == "Tre già măng mọc 🎋");
  CHECK(reason == "stop");
  CHECK(events.back()["choices"] == Json::array());
  CHECK(events.back()["usage"]["completion_tokens"] == static_cast<int64_t>(text.size()) + 1);
}

TEST_CASE("without include_usage no chunk has a usage") {
  const ServeFixture f;
  for (const Json& event : events_of(f.post(kChat, chat_body("hi", {{"stream", true}})).body)) {
    CHECK(!event.contains("usage"));
    CHECK(event["choices"].size() == 1);
  }
}

TEST_CASE("reasoning is told apart, under both of its names") {
  const ServeFixture f;
  const std::string thought = "<think>\nhm\n</think>\n\nhello";
  const Json message = f.post(kChat, chat_body(thought)).json()["choices"][0]["message"];
  CHECK(message["content"] == "hello");
  CHECK(message["reasoning_content"] == "hm");
  CHECK(message["reasoning"] == "hm");
  std::string text, reasoning;
  for (const Json& event : events_of(f.post(kChat, chat_body(thought, {{"stream", true}})).body)) {
    const Json& delta = event["choices"][0]["delta"];
    if (delta.contains("content")) text += delta["content"].get<std::string>();
    if (delta.contains("reasoning_content")) {
      CHECK(delta["reasoning"] == delta["reasoning_content"]);
      reasoning += delta["reasoning_content"].get<std::string>();
    }
  }
  CHECK(text == "hello");
  CHECK(reasoning == "hm");
}

TEST_CASE("several choices, each whole") {
  const ServeFixture f;
  const Json answer = f.post(kChat, chat_body("hello", {{"n", 3}})).json();
  REQUIRE(answer["choices"].size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(answer["choices"][i]["index"] == i);
    CHECK(answer["choices"][i]["message"]["content"] == "hello");
  }
  CHECK(answer["usage"]["completion_tokens"] == 18);
  std::map<int, std::string> texts;
  for (const Json& event : events_of(f.post(kChat, chat_body("hello", {{"n", 2}, {"stream", true}})).body)) {
    const Json& choice = event["choices"][0];
    if (choice["delta"].contains("content")) {
      texts[choice["index"].get<int>()] += choice["delta"]["content"].get<std::string>();
    }
  }
  CHECK(texts == std::map<int, std::string>{{0, "hello"}, {1, "hello"}});
}

TEST_CASE("a length, a stop string, and what ended the answer") {
  const ServeFixture f;
  Json cut = f.post(kChat, chat_body("one two three", {{"max_tokens", 3}})).json()["choices"][0];
  CHECK(cut["message"]["content"] == "one");
  CHECK(cut["finish_reason"] == "length");
  cut = f.post(kChat, chat_body("one two three", {{"max_completion_tokens", 3}})).json()["choices"][0];
  CHECK(cut["finish_reason"] == "length");
  cut = f.post(kChat, chat_body("one two three", {{"stop", {" t"}}})).json()["choices"][0];
  CHECK(cut["message"]["content"] == "one");
  CHECK(cut["finish_reason"] == "stop");
}

TEST_CASE("log probabilities of each token and of those beside it") {
  const ServeFixture f;
  const Json body = chat_body("ă", {{"logprobs", true}, {"top_logprobs", 2}});
  const Json content = f.post(kChat, body).json()["choices"][0]["logprobs"]["content"];
  REQUIRE(content.size() == 2);
  CHECK(content[0]["bytes"] == Json::array({0xC4}));
  CHECK(content[1]["bytes"] == Json::array({0x83}));
  CHECK(content[0]["top_logprobs"].size() == 2);
  CHECK(content[0]["logprob"].get<double>() <= 0);
}

TEST_CASE("the same seed gives the same text, also among others") {
  const ServeFixture f;
  // "odd" makes the script end: what follows is drawn from the fake model's own logits.
  Json body = {{"model", "echo"}, {"prompt", "x"}};
  body = chat_body("hello", {{"seed", 7}, {"temperature", 1.5}});
  const Json first = f.post(kChat, body).json();
  CHECK(first["mang"]["seed"] == 7);
  CHECK(f.post(kChat, body).json()["choices"] == first["choices"]);
}

TEST_CASE("what cannot be done is said, with the field's name") {
  const ServeFixture f;
  const auto refusal = [&](const Json& body) {
    const Reply reply = f.post(kChat, body);
    CHECK(reply.status == 400);
    const Json error = reply.json()["error"];
    CHECK(error["type"] == "invalid_request_error");
    return error["message"].get<std::string>();
  };
  CHECK(refusal(chat_body("x", {{"temperature", "hot"}})) == "'temperature' should be a number.");
  CHECK(refusal(chat_body("x", {{"temperature", -1}})).find("temperature") != std::string::npos);
  CHECK(refusal(chat_body("x", {{"n", 0}})).find("'n'") != std::string::npos);
  CHECK(refusal(chat_body("x", {{"max_tokens", -5}})).find("'max_tokens'") != std::string::npos);
  CHECK(refusal(chat_body("x", {{"top_logprobs", 2}})).find("'logprobs'") != std::string::npos);
  CHECK(refusal(chat_body("x", {{"audio", {{"voice", "a"}}}})).find("'audio'") != std::string::npos);
  CHECK(refusal(chat_body("x", {{"reasoning_effort", "high"}})).find("'reasoning_effort'") != std::string::npos);
  CHECK(refusal({{"model", "echo"}}).find("'messages'") != std::string::npos);
  CHECK(refusal({{"model", "echo"}, {"messages", "hello"}}).find("'messages'") != std::string::npos);
  CHECK(refusal({{"model", "echo"}, {"messages", {{{"role", "user"}}}}}).find("messages[0]") != std::string::npos);
  const Json image = {{{"type", "text"}, {"text", "a"}}, {{"type", "image_url"}, {"image_url", {{"url", "data:"}}}}};
  CHECK(refusal({{"model", "echo"}, {"messages", {{{"role", "user"}, {"content", image}}}}}) ==
        "messages[0].content[1]: this model reads text, and no part of the type 'image_url'.");
}

TEST_CASE("a field that is not known is answered without, and said") {
  const ServeFixture f;
  const Json answer = f.post(kChat, chat_body("hi", {{"user", "me"}, {"sparkle", 3}})).json();
  CHECK(answer["choices"][0]["message"]["content"] == "hi");
  CHECK(answer["mang"]["ignored"] == Json::array({"sparkle"}));
}

TEST_CASE("a prompt that does not fit is refused with both numbers") {
  const ServeFixture f({.context = 64});
  const Reply reply = f.post(kChat, chat_body(std::string(100, 'a')));
  CHECK(reply.status == 400);
  const Json error = reply.json()["error"];
  CHECK(error["code"] == "context_length_exceeded");
  const std::string message = error["message"];
  CHECK(message.find("118") != std::string::npos);
  CHECK(message.find("64") != std::string::npos);
}

TEST_CASE("several system messages at the beginning are one, a developer's is one too") {
  const ServeFixture f;
  const Json messages = {{{"role", "system"}, {"content", "A"}},
                         {{"role", "developer"}, {"content", {{{"type", "text"}, {"text", "B"}}}}},
                         {{"role", "user"}, {"content", "hi"}}};
  const Json prompt = f.post("/apply-template", {{"messages", messages}}).json();
  CHECK(prompt["prompt"] == "system: A\n\nB\nuser: hi\nassistant: ");
}

TEST_CASE("a model by name, the first one without, and none that is not offered") {
  const ServeFixture f({}, {}, {}, {"echo", "other", "broken"});
  Json body = chat_body("hi");
  body["model"] = "other";
  CHECK(f.post(kChat, body).json()["model"] == "other");
  body.erase("model");
  CHECK(f.post(kChat, body).json()["model"] == "echo");
  body["model"] = "gpt-4o";
  Reply reply = f.post(kChat, body);
  CHECK(reply.status == 404);
  CHECK(reply.json()["error"]["code"] == "model_not_found");
  CHECK(reply.json()["error"]["message"].get<std::string>().find("'other'") != std::string::npos);
  body["model"] = "broken";
  reply = f.post(kChat, body);
  CHECK(reply.status == 503);
  CHECK(reply.json()["error"]["message"] == "its file is damaged.");
}

TEST_CASE("a repeated prompt comes from the cache") {
  const ServeFixture f;
  const Json body = chat_body(std::string(300, 'a'));
  CHECK(f.post(kChat, body).json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0);
  const Json again = f.post(kChat, body).json();
  CHECK(again["usage"]["prompt_tokens_details"]["cached_tokens"] == 256);
  CHECK(again["mang"]["cache"] == Json{{"tokens", 256}, {"end", "whole"}});
}

}  // namespace
}  // namespace mang::test
