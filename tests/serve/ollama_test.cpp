// Ollama's API over a real connection.
#include <doctest/doctest.h>

#include "serve/serve_fixture.h"

namespace mang::test {
namespace {

constexpr const char* kChat = "/api/chat";
constexpr const char* kGenerate = "/api/generate";

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    REQUIRE(end != std::string::npos);
    out.push_back(parse_json(text.substr(at, end - at), "line").value());
    at = end + 1;
  }
  return out;
}

Json whole(Json body) {
  body["stream"] = false;
  return body;
}

std::string refusal(const ServeFixture& f, const char* path, const Json& body) {
  const Reply reply = f.post(path, body);
  CHECK(reply.status == 400);
  REQUIRE(reply.json()["error"].is_string());
  return reply.json()["error"];
}

void check_figures(const Json& last, int64_t written) {
  CHECK(last["done"] == true);
  CHECK(last["done_reason"] == "stop");
  CHECK(last["eval_count"] == written);
  CHECK(last["prompt_eval_count"].get<int64_t>() > 0);
  for (const char* name : {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"}) {
    CHECK(last[name].is_number_integer());
    CHECK(last[name].get<int64_t>() >= 0);
  }
  CHECK(last["total_duration"].get<int64_t>() >= last["load_duration"].get<int64_t>());
}

TEST_CASE("a chat streams lines of JSON unless it is told not to") {
  const ServeFixture f;
  const Reply reply = f.post(kChat, chat_body("măng mọc"));
  CHECK(reply.status == 200);
  CHECK(reply.headers.at("content-type") == "application/x-ndjson");
  const std::vector<Json> lines = lines_of(reply.body);
  REQUIRE(lines.size() > 3);
  std::string text;
  for (const Json& line : lines) {
    CHECK(line["model"] == "echo");
    CHECK(line["message"]["role"] == "assistant");
    CHECK(!line["message"].contains("thinking"));
    text += line["message"]["content"].get<std::string>();
    CHECK(line["done"] == (&line == &lines.back()));
    const std::string time = line["created_at"];  // 2026-01-31T12:00:00.123456789Z
    CHECK(time.size() == 30);
    CHECK(time.find_first_not_of("0123456789-T:.Z") == std::string::npos);
  }
  CHECK(text == "măng mọc");
  check_figures(lines.back(), static_cast<int64_t>(text.size()) + 1);
}

TEST_CASE("what is sent while nothing comes leaves every line JSON") {
  serve::ServerOptions options;
  options.http.limits.quiet_seconds = 0.05;
  const ServeFixture f({.seconds_a_token = 0.3}, options);
  const std::string body = f.post(kChat, chat_body("abc")).body;
  CHECK(body.find("\n {") != std::string::npos);
  std::string text;
  for (const Json& line : lines_of(body)) text += line["message"]["content"].get<std::string>();
  CHECK(text == "abc");
}

TEST_CASE("a chat as a whole") {
  const ServeFixture f;
  const Reply reply = f.post(kChat, whole(chat_body("<think>\nhm\n</think>\n\nhello")));
  CHECK(reply.headers.at("content-type") == "application/json");
  const Json answer = reply.json();
  CHECK(answer["message"] == Json{{"role", "assistant"}, {"content", "hello"}, {"thinking", "hm"}});
  check_figures(answer, 27);
}

TEST_CASE("thinking streams apart from the text") {
  const ServeFixture f;
  std::string text, thinking;
  for (const Json& line : lines_of(f.post(kChat, chat_body("<think>\nhm\n</think>\n\nhello")).body)) {
    text += line["message"]["content"].get<std::string>();
    if (line["message"].contains("thinking")) thinking += line["message"]["thinking"].get<std::string>();
  }
  CHECK(text == "hello");
  CHECK(thinking == "hm");
}

TEST_CASE("a prompt is a user's message, with its system message, or plain bytes") {
  const ServeFixture f;
  Json answer = f.post(kGenerate, whole({{"model", "echo"}, {"prompt", "hello"}, {"system", "Be kind."}})).json();
  CHECK(answer["response"] == "hello");
  CHECK(!answer.contains("message"));
  CHECK(answer["prompt_eval_count"] == std::string("system: Be kind.\nuser: hello\nassistant: ").size());
  check_figures(answer, 6);
  answer = f.post(kGenerate, whole({{"model", "echo"}, {"prompt", "say [so]"}, {"raw", true}})).json();
  CHECK(answer["response"] == "so");
  CHECK(answer["prompt_eval_count"] == 8);
  std::string text;
  for (const Json& line : lines_of(f.post(kGenerate, {{"model", "echo"}, {"prompt", "hello"}}).body)) {
    text += line["response"].get<std::string>();
  }
  CHECK(text == "hello");
}

TEST_CASE("without a prompt the model is loaded, and that is all") {
  const ServeFixture f;
  CHECK(f.ask("GET", "/api/ps").json()["models"] == Json::array());
  Json answer = f.post(kGenerate, {{"model", "echo"}, {"keep_alive", "5m"}}).json();
  CHECK(answer["done"] == true);
  CHECK(answer["done_reason"] == "load");
  CHECK(answer["response"] == "");
  answer = f.post(kChat, {{"model", "other"}, {"messages", Json::array()}}).json();
  CHECK(answer["done_reason"] == "load");
  CHECK(answer["message"]["content"] == "");
  const Json models = f.ask("GET", "/api/ps").json()["models"];
  REQUIRE(models.size() == 2);
  CHECK(models[0]["name"] == "echo");
  CHECK(models[0]["context_length"] == 4096);
}

TEST_CASE("options: lengths, stops, seeds, and those that change nothing") {
  const ServeFixture f;
  const auto ask = [&](const Json& options) {
    const Reply reply = f.post(kChat, whole(chat_body("one two three", {{"options", options}})));
    CHECK_MESSAGE(reply.status == 200, reply.body);
    return reply.json();
  };
  Json answer = ask({{"num_predict", 3}});
  CHECK(answer["message"]["content"] == "one");
  CHECK(answer["done_reason"] == "length");
  for (const int all : {-1, -2}) CHECK(ask({{"num_predict", all}})["message"]["content"] == "one two three");
  answer = ask({{"stop", {" t"}}});
  CHECK(answer["message"]["content"] == "one");
  CHECK(answer["done_reason"] == "stop");
  CHECK(ask({{"seed", 7}})["mang"]["seed"] == 7);
  CHECK(ask({{"seed", -1}})["mang"]["seed"].get<int64_t>() >= 0);
  answer = ask({{"temperature", 0.5},
                {"top_k", 4},
                {"top_p", 0.9},
                {"min_p", 0.1},
                {"repeat_penalty", 1.01},
                {"presence_penalty", 0.0},
                {"frequency_penalty", 0.0},
                {"num_ctx", 4096},
                {"mirostat", 1},
                {"num_gpu", 99}});
  CHECK(answer["mang"]["ignored"] == Json::array({"options.mirostat", "options.num_gpu"}));
  CHECK(!ask({{"num_ctx", 2048}})["mang"].contains("ignored"));
}

TEST_CASE("log probabilities") {
  const ServeFixture f;
  const Json body = chat_body("ab", {{"logprobs", true}, {"top_logprobs", 2}});
  const Json all = f.post(kChat, whole(body)).json()["logprobs"];
  REQUIRE(all.size() == 2);
  CHECK(all[0]["token"] == "a");
  CHECK(all[0]["top_logprobs"].size() == 2);
  CHECK(lines_of(f.post(kChat, body).body)[0]["logprobs"][0]["token"] == "a");
}

TEST_CASE("what cannot be done is refused in a sentence") {
  const ServeFixture f({.context = 64});
  CHECK(refusal(f, kChat, chat_body("x", {{"format", "json"}})) == "'format' is not served yet.");
  CHECK(refusal(f, kChat, chat_body("x", {{"tools", {{{"type", "function"}}}}})) == "'tools' is not served yet.");
  CHECK(refusal(f, kChat, chat_body("x", {{"think", true}})).find("'think'") == 0);
  CHECK(refusal(f, kChat, chat_body("x", {{"think", "very"}})).find("'think'") == 0);
  CHECK(refusal(f, kChat, chat_body("x", {{"think", 3}})).find("'think'") == 0);
  CHECK(refusal(f, kChat, chat_body("x", {{"options", 3}})).find("'options'") == 0);
  CHECK(refusal(f, kChat, chat_body("x", {{"options", {{"top_p", "a"}}}})).find("options: 'top_p'") == 0);
  CHECK(refusal(f, kChat, chat_body("x", {{"options", {{"num_predict", -3}}}})).find("'num_predict'") !=
        std::string::npos);
  const std::string context = refusal(f, kChat, chat_body("x", {{"options", {{"num_ctx", 65}}}}));
  CHECK(context.find("65") != std::string::npos);
  CHECK(context.find("64") != std::string::npos);
  const std::string length = refusal(f, kChat, chat_body(std::string(100, 'a')));
  CHECK(length.find("118") != std::string::npos);
  CHECK(length.find("64") != std::string::npos);
  Json body = chat_body("x");
  body["messages"][0]["images"] = {"aGk="};
  CHECK(refusal(f, kChat, body).find("messages[0]") == 0);
  body["messages"] = "hello";
  CHECK(refusal(f, kChat, body).find("'messages'") == 0);
  for (const char* name : {"suffix", "template"}) {
    CHECK(refusal(f, kGenerate, {{"prompt", "x"}, {name, "y"}}).find(name) == 1);
  }
  for (const char* name : {"images", "context"}) {
    CHECK(refusal(f, kGenerate, {{"prompt", "x"}, {name, {1}}}).find(name) == 1);
  }
  CHECK(refusal(f, kGenerate, {{"prompt", "x"}, {"system", "y"}, {"raw", true}}).find("'system'") == 0);
  for (const char* path : {"/api/create", "/api/copy", "/api/push"}) {
    CHECK(refusal(f, path, {{"model", "x"}}).find(path) == 1);
  }
  CHECK(f.ask("DELETE", "/api/delete", "{}").status == 400);
}

TEST_CASE("what asks for nothing is not refused: no images, no tools, no format, no thinking") {
  const ServeFixture f;
  Json body = chat_body("hi", {{"format", ""}, {"tools", Json::array()}, {"think", false}, {"options", nullptr}});
  body["messages"][0]["images"] = nullptr;
  CHECK(f.post(kChat, whole(body)).json()["message"]["content"] == "hi");
  body = {{"prompt", "hi"}, {"suffix", ""}, {"images", Json::array()}, {"context", nullptr}, {"raw", false}};
  const Json answer = f.post(kGenerate, whole(body)).json();
  CHECK(answer["response"] == "hi");
  CHECK(!answer["mang"].contains("ignored"));
}

TEST_CASE("a name may say ':latest'; one that is not offered is a 404") {
  const ServeFixture f({}, {}, {}, {"echo", "tiny:1b"});
  Json body = whole(chat_body("hi"));
  body["model"] = "echo:latest";
  CHECK(f.post(kChat, body).json()["model"] == "echo:latest");
  body["model"] = "tiny:1b";
  CHECK(f.post(kChat, body).status == 200);
  for (const char* name : {"tiny", "tiny:latest", ":latest", "echo:1b"}) {
    body["model"] = name;
    const Reply reply = f.post(kChat, body);
    CHECK(reply.status == 404);
    CHECK(reply.json()["error"].is_string());
  }
}

TEST_CASE("the server's models: all, one of them, and pulling what is there") {
  const ServeFixture f;
  const Json models = f.ask("GET", "/api/tags").json()["models"];
  REQUIRE(models.size() == 2);
  CHECK(models[1]["name"] == "other");
  CHECK(models[1]["model"] == "other");
  CHECK(models[1]["digest"].get<std::string>().size() == 64);
  for (const char* field : {"model", "name"}) {
    const Json shown = f.post("/api/show", {{field, "other"}}).json();
    CHECK(shown["modelfile"] == "FROM other\n");
    CHECK(shown["template"].get<std::string>().find("m.role") != std::string::npos);
    CHECK(shown["capabilities"] == Json::array({"completion"}));
    CHECK(shown["model_info"].contains("general.architecture"));
    CHECK(shown["details"]["family"].is_string());
  }
  CHECK(f.post("/api/show", {{"model", "none"}}).status == 404);
  CHECK(lines_of(f.post("/api/pull", {{"model", "other:latest"}}).body) == std::vector<Json>{{{"status", "success"}}});
  CHECK(f.post("/api/pull", {{"name", "other"}, {"stream", false}}).json()["status"] == "success");
  const Reply missing = f.post("/api/pull", {{"model", "none"}});
  CHECK(missing.status == 404);
  CHECK(missing.json()["error"].get<std::string>().find("mang pull none") != std::string::npos);
  CHECK(f.post("/api/pull", Json::object()).status == 400);
  CHECK(f.ask("POST", "/api/pull", "{").status == 400);
  CHECK(f.ask("GET", "/api/version").json()["version"].is_string());
}

TEST_CASE("clients know the server by what it says at /, which needs no key") {
  serve::Keys keys;
  keys.add("an", "key-of-an-1234");
  const ServeFixture f({}, {}, std::move(keys));
  const Reply reply = f.ask("GET", "/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "Ollama is running");
  CHECK(f.ask("HEAD", "/").status == 200);
  const Reply tags = f.ask("GET", "/api/tags");
  CHECK(tags.status == 401);
  CHECK(tags.json()["error"].is_string());
}

}  // namespace
}  // namespace mang::test
