#include "engine/engine.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>
#include <thread>

#include "engine/engine_fixture.h"

namespace mang {
namespace {

TEST_CASE("a request alone: the model's own answer, in order, with its figures") {
  EngineFixture f({.context = 512});
  const std::vector<int32_t> prompt = counting(1, 100);
  const Record record = f.run({.prompt = prompt, .sampling = {.max_tokens = 150}});
  CHECK(record.ids == f.expected_greedy(prompt, 150));
  CHECK(record.done->reason == FinishReason::max_tokens);
  const RequestStats& stats = record.done->stats;
  CHECK(stats.prompt_tokens == 100);
  CHECK(stats.generated_tokens == 150);
  CHECK(stats.cached_tokens == 0);
  CHECK(stats.ttft_seconds > 0);
  CHECK(stats.ttft_seconds >= stats.prefill_seconds);
  CHECK(stats.decode_seconds > 0);
  CHECK(!f.engine->step());
  f.check_clean();
}

TEST_CASE(
    "a prompt longer than the context is refused with both numbers; one that fits exactly needs room for an answer") {
  EngineFixture f({.context = 128});
  const auto error = [&](int64_t length, std::optional<int64_t> max_tokens = {}) {
    const auto result = f.submit({.prompt = counting(0, length), .sampling = {.max_tokens = max_tokens}});
    return result.ok() ? std::string() : result.error().message;
  };
  CHECK(error(129).find("129") != std::string::npos);
  CHECK(error(129).find("128") != std::string::npos);
  CHECK(error(128).find("no room") != std::string::npos);
  CHECK(error(128, 0).empty());
  CHECK(error(127).empty());
  f.engine->run_until_done();
  CHECK(f.records.size() == 2);
  f.check_clean();
}

TEST_CASE("the answer ends when the context is full") {
  EngineFixture f({.context = 130});
  const Record record = f.run({.prompt = counting(0, 120)});
  CHECK(record.done->reason == FinishReason::context_full);
  CHECK(record.ids == f.expected_greedy(counting(0, 120), 10));
  f.check_clean();
}

TEST_CASE("the pool bounds the context") {
  EngineFixture f({.context = 4096, .kv_blocks = 3});
  CHECK(f.engine->context() == 192);
  const Record record = f.run({.prompt = counting(0, 190)});
  CHECK(record.done->reason == FinishReason::context_full);
  CHECK(record.ids.size() == 2);
  f.check_clean();
}

TEST_CASE("requests that cannot be served are refused before anything is queued") {
  EngineFixture f({.context = 256});
  const auto refused = [&](Request request, std::string_view words) {
    const auto result = f.submit(std::move(request));
    return !result.ok() && result.error().message.find(words) != std::string::npos;
  };
  CHECK(refused({}, "empty"));
  CHECK(refused({.prompt = {1, 2, 256}}, "256"));
  CHECK(refused({.prompt = {1, 2, 256}}, "index 2"));
  CHECK(refused({.prompt = {-1}}, "-1"));
  CHECK(refused({.prompt = {1}, .sampling = {.temperature = -1}}, "temperature"));
  CHECK(refused({.prompt = {1}, .sampling = {.stop = {"x"}}}, "tokenizer"));
  CHECK(refused({.prompt = {1}, .session = 77}, "77"));
  CHECK(refused({.prompt = std::vector<int32_t>(300, 1)}, "300 tokens, but the context holds 256. Shorten it, or ask"));
  CHECK(refused({.prompt = std::vector<int32_t>(256, 1)}, "leaves no room for an answer"));
  CHECK(!f.engine->step());
  EngineFixture whole({.context = 0}, {.context = 128});
  const auto most = whole.submit({.prompt = std::vector<int32_t>(129, 1)});
  REQUIRE(!most.ok());
  CHECK(most.error().message ==
        "The prompt has 129 tokens, but the context holds 128. Shorten it: this is the most the "
        "model reads.");
}

TEST_CASE("options out of range are refused") {
  FakeModel model({.context = 1000});
  ThreadPool threads(1);
  const Device device(threads, best_isa());
  const auto refused = [&](EngineOptions options) { return !Engine::create(model, device, nullptr, options).ok(); };
  CHECK(!refused({}));
  CHECK(refused({.context = 1001}));
  CHECK(refused({.context = -1}));
  CHECK(refused({.kv_blocks = -1}));
  CHECK(refused({.max_sequences = 0}));
  CHECK(refused({.max_sequences = 8, .step_tokens = 7}));
  CHECK(refused({.step_tokens = int64_t{1} << 40}));
  CHECK(refused({.step_seconds = -1}));
  CHECK(refused({.step_seconds = std::numeric_limits<double>::infinity()}));
  CHECK(refused({.kv_blocks = std::numeric_limits<int64_t>::max()}));
  CHECK(refused({.kv_blocks = int64_t{1} << 55}));
}

TEST_CASE("a step reads at most its tokens, and answers go on while a long prompt is read") {
  EngineFixture f({.context = 2048, .kv_blocks = 64, .step_tokens = 96, .step_seconds = 0});
  f.must_submit({.prompt = counting(3, 5), .sampling = {.max_tokens = 20}});
  f.engine->step();
  f.must_submit({.prompt = counting(9, 1000), .sampling = {.max_tokens = 3}});
  f.engine->run_until_done();
  const auto& steps = f.model.steps();
  for (size_t i = 0; i < steps.size(); ++i) {
    CHECK(std::accumulate(steps[i].begin(), steps[i].end(), int64_t{0}) <= 96);
    if (i >= 1 && i <= 10) CHECK(steps[i] == std::vector<int64_t>{1, 95});  // the short one first, then the chunk
  }
  CHECK(f.records[1].ids == f.expected_greedy(counting(3, 5), 20));
  CHECK(f.records[2].ids == f.expected_greedy(counting(9, 1000), 3));
  f.check_clean();
}

TEST_CASE("chunks follow the machine's speed, so that a step stays short") {
  // At most 5,000 tokens a second: 75 in 15 ms, 300 in 60.
  EngineFixture f({.context = 1024, .kv_blocks = 40, .step_tokens = 512, .step_seconds = 0.015},
                  {.seconds_a_token = 0.0002});
  f.must_submit({.prompt = counting(0, 900), .sampling = {.max_tokens = 10}});
  f.engine->run_until_done();
  const std::vector<std::vector<int64_t>> alone = f.model.steps();
  CHECK(alone[0] == std::vector<int64_t>{128});
  for (size_t i = 1; alone[i][0] > 1; ++i) CHECK(alone[i][0] <= 256);

  const RequestId answering = f.must_submit({.prompt = counting(5, 3), .sampling = {.max_tokens = 30}});
  f.engine->step();
  const RequestId reading = f.must_submit({.prompt = counting(9, 900), .sampling = {.max_tokens = 1}});
  while (!f.records[reading].done.has_value()) f.engine->step();
  CHECK(!f.records[answering].done.has_value());
  for (size_t i = alone.size() + 1; i < f.model.steps().size(); ++i) {
    REQUIRE(f.model.steps()[i].size() == 2);
    CHECK(f.model.steps()[i][1] <= 128);
  }
  f.engine->run_until_done();
}

TEST_CASE("max_tokens 0 reads the prompt and asks for no logits") {
  EngineFixture f({.context = 256});
  const Record record = f.run({.prompt = counting(0, 200), .sampling = {.max_tokens = 0}});
  CHECK(record.ids.empty());
  CHECK(record.done->reason == FinishReason::max_tokens);
  CHECK(f.run({.prompt = counting(0, 200), .sampling = {.max_tokens = 1}}).done->stats.cached_tokens == 192);
  f.check_clean();
}

TEST_CASE("NaN logits fail their request in the same step, and only that one") {
  EngineFixture f({.context = 512, .kv_blocks = 24}, {.nan_token = 255});
  std::vector<int32_t> bad = counting(2, 130, 200);
  bad.push_back(255);
  const RequestId first = f.must_submit({.prompt = counting(1, 70, 200), .sampling = {.max_tokens = 30}});
  const RequestId second = f.must_submit({.prompt = bad, .sampling = {.max_tokens = 30}});
  const RequestId third = f.must_submit({.prompt = counting(5, 70, 200), .sampling = {.max_tokens = 30}});
  f.engine->run_until_done();
  CHECK(f.records[second].done->reason == FinishReason::error);
  CHECK(f.records[second].done->error->message.find("NaN") != std::string::npos);
  CHECK(f.records[second].ids.empty());
  CHECK(f.records[first].ids == f.expected_greedy(counting(1, 70, 200), 30));
  CHECK(f.records[third].ids == f.expected_greedy(counting(5, 70, 200), 30));
  // What a failed request computed is not offered to others.
  CHECK(f.run({.prompt = counting(2, 130, 200), .sampling = {.max_tokens = 1}}).done->stats.cached_tokens == 0);
  f.check_clean();
}

TEST_CASE("cancelling: in the queue, while the prompt is read, while the answer is written; the others do not notice") {
  EngineFixture f({.context = 512, .kv_blocks = 32, .max_sequences = 3, .step_tokens = 64, .step_seconds = 0});
  std::vector<RequestId> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(f.must_submit({.prompt = counting(i, 150), .sampling = {.max_tokens = 40}}));
  }
  for (int i = 0; i < 4; ++i) f.engine->step();  // the first answers, the second and third read, the others wait
  REQUIRE(!f.records[ids[0]].ids.empty());
  REQUIRE(f.records[ids[1]].ids.empty());
  f.engine->cancel(ids[0]);
  f.engine->cancel(ids[1]);
  f.engine->cancel(ids[4]);
  f.engine->cancel(12345);
  f.engine->step();
  for (const int i : {0, 1, 4}) CHECK(f.records[ids[i]].done->reason == FinishReason::cancelled);
  f.engine->run_until_done();
  for (const int i : {2, 3}) CHECK(f.records[ids[i]].ids == f.expected_greedy(counting(i, 150), 40));
  f.check_clean();
}

TEST_CASE("run_until_done stops within a step when its flag is raised, and everything is reported") {
  EngineFixture f({.context = 4096, .kv_blocks = 256});
  std::atomic<bool> stop = false;
  int tokens = 0;
  f.after_event = [&](RequestId) { stop = ++tokens >= 5; };
  for (int i = 0; i < 3; ++i) f.must_submit({.prompt = counting(i, 10)});
  f.engine->run_until_done(&stop);
  for (const auto& [id, record] : f.records) {
    CHECK(record.done->reason == FinishReason::cancelled);
    CHECK(record.ids.size() <= 2);
  }
  f.check_clean();
  stop = true;  // raised before the start
  f.after_event = {};
  const RequestId late = f.must_submit({.prompt = {1}});
  f.engine->run_until_done(&stop);
  CHECK(f.records[late].done->reason == FinishReason::cancelled);
  CHECK(f.records[late].ids.empty());
}

TEST_CASE("an event may submit and cancel") {
  EngineFixture f({.context = 256, .kv_blocks = 16});
  bool once = false;
  f.after_event = [&](RequestId id) {
    if (std::exchange(once, true)) return;
    f.engine->cancel(id);
    f.must_submit({.prompt = counting(4, 20), .sampling = {.max_tokens = 5}});
  };
  f.must_submit({.prompt = counting(0, 20)});
  f.engine->run_until_done();
  CHECK(f.records[1].done->reason == FinishReason::cancelled);
  CHECK(f.records[2].ids == f.expected_greedy(counting(4, 20), 5));
  f.check_clean();
}

TEST_CASE("requests may come from other threads while the engine runs") {
  EngineFixture f({.context = 256, .kv_blocks = 32});
  constexpr int kEach = 20;
  std::atomic<int> left = 4;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < kEach; ++i) {
        const RequestId id = f.must_submit({.prompt = counting(c, 10 + i), .sampling = {.max_tokens = 8}});
        if (i % 5 == 4) f.engine->cancel(id);
      }
      --left;
    });
  }
  while (left > 0) f.engine->step();
  f.engine->run_until_done();
  for (auto& client : clients) client.join();
  CHECK(f.records.size() == 4 * kEach);
  for (const auto& [id, record] : f.records) CHECK(record.done.has_value());
  f.check_clean();
}

TEST_CASE("complete() gives the whole answer") {
  EngineFixture f({.context = 256});
  const Answer answer = complete(*f.engine, {.prompt = counting(0, 9), .sampling = {.max_tokens = 6}}).value();
  CHECK(answer.ids == f.expected_greedy(counting(0, 9), 6));
  CHECK(answer.done.reason == FinishReason::max_tokens);
  CHECK(!complete(*f.engine, {}).ok());
}

}  // namespace
}  // namespace mang
