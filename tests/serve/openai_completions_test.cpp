// POST /v1/completions: prompts as texts and ids, echo and log probabilities.
#include <doctest/doctest.h>

#include "serve/serve_fixture.h"

namespace mang::test {
namespace {

constexpr const char* kCompletions = "/v1/completions";

Json body_of(Json prompt, Json more = Json::object()) {
  more["prompt"] = std::move(prompt);
  if (!more.contains("max_tokens")) more["max_tokens"] = 100;
  return more;
}

Json ids_of(const std::string& text) {
  Json ids = Json::array();
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

TEST_CASE("a text is continued, as a whole and in pieces") {
  const ServeFixture f;
  const Json answer = f.post(kCompletions, body_of("say [măng]")).json();
  CHECK(answer["object"] == "text_completion");
  CHECK(answer["choices"][0]["text"] == "măng");
  CHECK(answer["choices"][0]["finish_reason"] == "stop");
  CHECK(answer["usage"]["prompt_tokens"] == 11);
  CHECK(answer["usage"]["completion_tokens"] == 6);
  std::string text;
  Json usage;
  const Json wanted = body_of("say [măng]", {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  for (const Json& event : events_of(f.post(kCompletions, wanted).body)) {
    for (const Json& choice : event["choices"]) text += choice["text"].get<std::string>();
    usage = event["usage"];
  }
  CHECK(text == "măng");
  CHECK(usage["completion_tokens"] == 6);
}

TEST_CASE("token ids are continued like the text they stand for, and several prompts side by side") {
  const ServeFixture f;
  CHECK(f.post(kCompletions, body_of(ids_of("say [hi]"))).json()["choices"][0]["text"] == "hi");
  const Json texts = f.post(kCompletions, body_of({"say [a]", "say [bc]"}, {{"n", 2}})).json();
  REQUIRE(texts["choices"].size() == 4);
  CHECK(texts["choices"][0]["text"] == "a");
  CHECK(texts["choices"][1]["text"] == "a");
  CHECK(texts["choices"][2]["text"] == "bc");
  CHECK(texts["choices"][3]["index"] == 3);
  CHECK(texts["usage"]["prompt_tokens"] == 15);
  CHECK(texts["usage"]["completion_tokens"] == 10);
  const Json ids = f.post(kCompletions, body_of({ids_of("say [a]"), ids_of("say [bc]")})).json();
  CHECK(ids["choices"][1]["text"] == "bc");
}

TEST_CASE("without a length there are sixteen tokens") {
  const ServeFixture f;
  const Json answer = f.post(kCompletions, {{"prompt", "say [" + std::string(50, 'x') + "]"}}).json();
  CHECK(answer["choices"][0]["text"] == std::string(16, 'x'));
  CHECK(answer["choices"][0]["finish_reason"] == "length");
}

TEST_CASE("echo with log probabilities, as those who score texts ask for them") {
  const ServeFixture f;
  const std::string prompt = "say [ă]";
  for (const Json& given : {Json(prompt), ids_of(prompt)}) {
    const Json wanted = body_of(given, {{"echo", true}, {"logprobs", 2}, {"max_tokens", 1}, {"temperature", 0}});
    const Json choice = f.post(kCompletions, wanted).json()["choices"][0];
    const Json& logprobs = choice["logprobs"];
    REQUIRE(logprobs["tokens"].size() == 9);
    REQUIRE(logprobs["token_logprobs"].size() == 9);
    REQUIRE(logprobs["top_logprobs"].size() == 9);
    CHECK(logprobs["token_logprobs"][0].is_null());
    CHECK(logprobs["top_logprobs"][0].is_null());
    for (size_t i = 1; i < 9; ++i) {
      CHECK(logprobs["token_logprobs"][i].get<double>() <= 0);
      CHECK(logprobs["top_logprobs"][i].size() == 2);
    }
    CHECK(logprobs["tokens"][0] == "s");
    CHECK(logprobs["tokens"][5] == "bytes:\\xc4");
    CHECK(logprobs["tokens"][8] == "bytes:\\xc4");
    CHECK(logprobs["text_offset"] == Json::array({0, 1, 2, 3, 4, 5, 6, 6, 7}));
    // The model says again what was said: what it draws is what it holds likeliest.
    CHECK(logprobs["top_logprobs"][8].contains("bytes:\\xc4"));
    CHECK(choice["text"].get<std::string>().starts_with(prompt));
  }
}

TEST_CASE("a prompt alone is scored without an answer") {
  const ServeFixture f;
  const Json wanted = body_of("say [x]", {{"echo", true}, {"logprobs", 1}, {"max_tokens", 0}});
  const Json choice = f.post(kCompletions, wanted).json()["choices"][0];
  CHECK(choice["text"] == "say [x]");
  CHECK(choice["logprobs"]["tokens"].size() == 7);
  CHECK(choice["finish_reason"] == "length");
}

TEST_CASE("what cannot be done is said") {
  const ServeFixture f;
  const auto refusal = [&](const Json& body) {
    const Reply reply = f.post(kCompletions, body);
    CHECK(reply.status == 400);
    return reply.json()["error"]["message"].get<std::string>();
  };
  CHECK(refusal({{"max_tokens", 1}}).find("'prompt'") != std::string::npos);
  CHECK(refusal(body_of("")).find("empty") != std::string::npos);
  CHECK(refusal(body_of(Json::array())).find("empty") != std::string::npos);
  CHECK(refusal(body_of(Json::array({1, -1}))).find("'prompt'") != std::string::npos);
  CHECK(refusal(body_of(Json::array({1, 100'000}))).find("100000") != std::string::npos);
  CHECK(refusal(body_of("x", {{"best_of", 3}})).find("'best_of'") != std::string::npos);
  CHECK(refusal(body_of("x", {{"suffix", "y"}})).find("'suffix'") != std::string::npos);
  CHECK(refusal(body_of("x", {{"logprobs", 1000}})).find("1000") != std::string::npos);
  CHECK(refusal(body_of("x", {{"max_tokens", -1}})).find("max_tokens") != std::string::npos);
}

}  // namespace
}  // namespace mang::test
