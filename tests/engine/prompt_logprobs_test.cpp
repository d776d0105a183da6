// How likely a prompt was: the same whatever the steps, the neighbours and the cache.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/engine_fixture.h"

namespace mang {
namespace {

struct Judged {
  std::vector<SampledToken> tokens;
  std::vector<int32_t> answer;
  std::optional<DoneEvent> done;
  int told = 0;
};

Request asks(std::vector<int32_t> prompt, int32_t n, int64_t max_tokens, Judged& out) {
  Request request;
  request.prompt = std::move(prompt);
  request.sampling.max_tokens = max_tokens;
  request.prompt_logprobs = n;
  request.on_event = [&out](RequestId, const Event& event) {
    if (const auto* prompt_event = std::get_if<PromptEvent>(&event)) {
      CHECK(out.answer.empty());
      out.tokens = prompt_event->tokens;
      ++out.told;
    } else if (const auto* token = std::get_if<TokenEvent>(&event)) {
      out.answer.push_back(token->id);
    } else {
      out.done = std::get<DoneEvent>(event);
    }
  };
  return request;
}

// By the definition, from the logits the model must give.
void check_judged(const FakeModel& model, const std::vector<int32_t>& prompt, const Judged& judged) {
  REQUIRE(judged.told == 1);
  REQUIRE(judged.tokens.size() == prompt.size());
  CHECK(judged.tokens[0].id == prompt[0]);
  CHECK(judged.tokens[0].top.empty());
  std::vector<float> row(256);
  for (size_t i = 1; i < prompt.size(); ++i) {
    model.expected_logits(std::span(prompt).first(i), row.data());
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit));
    CHECK(judged.tokens[i].id == prompt[i]);
    CHECK(judged.tokens[i].logprob ==
          doctest::Approx(row[static_cast<size_t>(prompt[i])] - std::log(sum)).epsilon(1e-5));
    REQUIRE(judged.tokens[i].top.size() == 3);
    CHECK(judged.tokens[i].top[0].id == std::max_element(row.begin(), row.end()) - row.begin());
  }
}

TEST_CASE("each token of a prompt is judged by what stands before it") {
  for (const int64_t length : {1, 2, 31, 32, 33, 64, 65, 200}) {
    CAPTURE(length);
    EngineFixture f({.context = 512});
    const std::vector<int32_t> prompt = counting(3, length);
    Judged judged;
    REQUIRE(f.engine->submit(asks(prompt, 3, 4, judged)).ok());
    f.engine->run_until_done();
    check_judged(f.model, prompt, judged);
    CHECK(judged.answer == f.expected_greedy(prompt, 4));
    f.check_clean();
  }
}

TEST_CASE("a prompt alone, without an answer, is judged too") {
  EngineFixture f({.context = 512});
  const std::vector<int32_t> prompt = counting(9, 100);
  Judged judged;
  REQUIRE(f.engine->submit(asks(prompt, 3, 0, judged)).ok());
  f.engine->run_until_done();
  check_judged(f.model, prompt, judged);
  CHECK(judged.answer.empty());
  CHECK(judged.done->reason == FinishReason::max_tokens);
}

TEST_CASE("a prompt that the cache knows is judged all the same, among others and when blocks are short") {
  const std::vector<int32_t> prompt = counting(5, 180);
  for (const int64_t blocks : {4, 6, 64}) {
    CAPTURE(blocks);
    EngineFixture f({.context = 256, .kv_blocks = blocks, .max_sequences = 4});
    CHECK(f.run({.prompt = prompt, .sampling = {.max_tokens = 5}}).ids == f.expected_greedy(prompt, 5));
    Judged first, second;
    REQUIRE(f.engine->submit(asks(prompt, 3, 20, first)).ok());
    f.must_submit({.prompt = counting(5, 100), .sampling = {.max_tokens = 60}});
    REQUIRE(f.engine->submit(asks(counting(6, 150), 3, 20, second)).ok());
    f.engine->run_until_done();
    check_judged(f.model, prompt, first);
    check_judged(f.model, counting(6, 150), second);
    CHECK(first.answer == f.expected_greedy(prompt, 20));
    CHECK(first.done->stats.cached_tokens == 0);
    f.check_clean();
  }
}

TEST_CASE("a fault in the middle of a prompt ends that request alone") {
  FakeModelOptions broken;
  broken.nan_token = 200;
  EngineFixture f({.context = 512}, broken);
  std::vector<int32_t> prompt(100, 7);
  prompt[50] = 200;
  Judged bad, good;
  REQUIRE(f.engine->submit(asks(prompt, 3, 4, bad)).ok());
  REQUIRE(f.engine->submit(asks(std::vector<int32_t>(100, 7), 3, 4, good)).ok());
  f.engine->run_until_done();
  REQUIRE(bad.done.has_value());
  CHECK(bad.done->reason == FinishReason::error);
  CHECK(bad.told == 0);
  CHECK(good.told == 1);
  CHECK(good.done->reason == FinishReason::max_tokens);
}

TEST_CASE("what cannot be judged is refused") {
  EngineFixture f({.context = 512});
  Judged judged;
  CHECK(!f.engine->submit(asks({1, 2}, -1, 4, judged)).ok());
  CHECK(!f.engine->submit(asks({1, 2}, 129, 4, judged)).ok());
  Request in_session = asks({1, 2}, 1, 4, judged);
  in_session.session = f.engine->open_session();
  CHECK(!f.engine->submit(std::move(in_session)).ok());
}

}  // namespace
}  // namespace mang
