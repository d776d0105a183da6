// Speculation changes when tokens come and nothing else.
#include <doctest/doctest.h>

#include "engine/engine_fixture.h"
#include "engine/workload.h"
#include "text/unicode.h"

namespace mang {
namespace {

// Answers that repeat themselves with a period, but for some tokens: drafts are right for a while, then wrong.
FakeModelOptions repetitive(int64_t period = 9, int64_t spoilt_every = 7) {
  FakeModelOptions options;
  options.script = [=](std::span<const int32_t> tokens) -> std::optional<int32_t> {
    const auto length = static_cast<int64_t>(tokens.size());
    if (length < period) return std::nullopt;
    const int32_t before = tokens[static_cast<size_t>(length - period)];
    if ((length * 31 + tokens.back()) % spoilt_every == 0) return (before + 1) % 256;
    return before;
  };
  return options;
}

std::vector<int64_t> figures(const RequestStats& s) {
  return {s.prompt_tokens, s.cached_tokens, s.session_tokens, s.session_common, s.generated_tokens};
}

// Everything that may not depend on speculation.
void check_same(const Record& got, const Record& want) {
  REQUIRE(got.done.has_value());
  REQUIRE(want.done.has_value());
  CHECK(got.ids == want.ids);
  CHECK(got.text == want.text);
  CHECK(got.pieces == want.pieces);
  CHECK(got.done->reason == want.done->reason);
  CHECK(got.done->stop_token == want.done->stop_token);
  CHECK(got.done->stop_string == want.done->stop_string);
  CHECK(got.done->text == want.done->text);
  CHECK(figures(got.done->stats) == figures(want.done->stats));
  CHECK(got.done->stats.session_departed == want.done->stats.session_departed);
}

TEST_CASE("any workload under any options, with drafts: each request's answer is the one it has alone") {
  Tally tally;
  int64_t together = 0;  // steps in which several sequences verify drafts
  for (uint32_t seed = 0; seed < 80; ++seed) {
    Workload workload(seed);
    EngineOptions options = workload.options();
    options.speculate = seed % 4 == 0 ? Speculate::measured : Speculate::always;
    EngineFixture f(options, repetitive(5 + seed % 11, 3 + seed % 9));
    work(f, workload, {.drafts = true}, tally);
    for (const auto& step : f.model.steps()) {
      together += step.size() > 1 && step[0] > 1 && step[1] > 1 && step[0] < 10 && step[1] < 10 ? 1 : 0;
    }
  }
  // The workloads did meet what they are meant to meet.
  CHECK(tally.accepted > 10'000);
  CHECK(tally.drafted - tally.accepted > 10'000);
  CHECK(tally.preemptions > 20);
  CHECK(together > 100);
}

TEST_CASE("an answer that repeats itself takes fewer steps, and says how many drafts were right") {
  EngineFixture f({.context = 1024, .speculate = Speculate::always}, repetitive(9, 1'000'000));
  const Record record = f.run({.prompt = counting(0, 30), .sampling = {.max_tokens = 200}});
  CHECK(record.ids == f.expected_greedy(counting(0, 30), 200));
  const RequestStats& stats = record.done->stats;
  CHECK(stats.generated_tokens == 200);
  CHECK(f.model.steps().size() < 50);
  CHECK(stats.accepted_tokens > 150);
  CHECK(stats.accepted_tokens + static_cast<int64_t>(f.model.steps().size()) == 200);
  CHECK(stats.drafted_steps < 50);
  f.check_clean();
}

TEST_CASE("wherever an answer ends within a draft, it ends as without: stop ids, max_tokens, a full context") {
  for (int64_t prompt = 55; prompt < 75; ++prompt) {  // around the border of a block
    for (int variant = 0; variant < 12; ++variant) {
      Request request{.prompt = counting(3, prompt), .sampling = {.max_tokens = 60}};
      if (variant < 4) request.sampling.max_tokens = 20 + variant;
      if (variant >= 4 && variant < 8) request.sampling.max_tokens = std::nullopt;  // until the context is full
      if (variant >= 8) request.sampling.temperature = 1;
      request.sampling.logprobs = 2;
      Record records[2];
      int64_t cached[2];
      for (const bool drafts : {false, true}) {
        EngineFixture f({.context = 100 + variant % 4, .speculate = drafts ? Speculate::always : Speculate::off},
                        repetitive());
        if (variant >= 8) {
          const std::vector<int32_t> answer = f.expected_greedy(request.prompt, 30);
          request.sampling.stop_ids = {answer[static_cast<size_t>(10 + variant)]};
        }
        request.session = f.engine->open_session();
        records[drafts] = f.run(request);
        // What was kept of it for the session and the prefix cache is the same too.
        std::vector<int32_t> more = request.prompt;
        more.insert(more.end(), records[drafts].ids.begin(), records[drafts].ids.end());
        more.resize(std::min<size_t>(more.size(), 90));
        const Record next = f.run({.prompt = more, .sampling = {.max_tokens = 1}, .session = request.session});
        cached[drafts] = next.done->stats.cached_tokens;
        f.engine->close_session(request.session);
        f.engine->step();
        f.check_clean();
      }
      CAPTURE(prompt);
      CAPTURE(variant);
      check_same(records[1], records[0]);
      CHECK(cached[1] == cached[0]);
    }
  }
}

TEST_CASE("a NaN behind a draft that was wrong is never seen; one behind a right draft is, at its place") {
  FakeModelOptions options = repetitive(9, 1'000'000);
  options.nan_token = 255;
  // Everything is period 9; 255 follows in one draft only where the prompt had it, and the model departs before it.
  EngineFixture f({.context = 512, .speculate = Speculate::always}, options);
  std::vector<int32_t> prompt = {1, 2, 3, 255, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 2, 3};
  const Record record = f.run({.prompt = prompt, .sampling = {.max_tokens = 20}});
  CHECK(record.done->reason == FinishReason::max_tokens);
  CHECK(record.ids == f.expected_greedy(prompt, 20));

  FakeModelOptions into = repetitive(9, 1'000'000);
  into.nan_token = 255;
  EngineFixture g({.context = 512, .speculate = Speculate::always}, into);
  std::vector<int32_t> bad = {20, 21, 22, 23, 24, 25, 26, 27, 28, 20, 21, 22, 23, 24};
  into.script = nullptr;
  const Record sound = g.run({.prompt = bad, .sampling = {.max_tokens = 20}});
  CHECK(sound.done->reason == FinishReason::max_tokens);
  std::vector<int32_t> ends = {20, 21, 22, 255, 24, 25, 26, 27, 28, 20, 21, 22};
  const Record failed = g.run({.prompt = ends, .sampling = {.max_tokens = 20}});
  CHECK(failed.done->reason == FinishReason::error);
  CHECK(failed.ids == std::vector<int32_t>{255});
  CHECK(g.model.faults() == 0);
}

TEST_CASE("drafts take no block from anyone: a pool that is full just means shorter drafts") {
  EngineFixture f({.context = 256, .kv_blocks = 4, .max_sequences = 4, .speculate = Speculate::always}, repetitive());
  for (int i = 0; i < 4; ++i) f.must_submit({.prompt = counting(i, 50), .sampling = {.max_tokens = 13}});
  f.engine->run_until_done();
  for (int i = 0; i < 4; ++i) {
    const Record& record = f.records[static_cast<RequestId>(i + 1)];
    CHECK(record.ids == f.expected_greedy(counting(i, 50), 13));
    CHECK(record.done->stats.preemptions == 0);
  }
  f.check_clean();
}

TEST_CASE("measured speculation declines where verifying costs as much as computing") {
  FakeModelOptions options = repetitive();
  options.seconds_a_token = 0.002;  // no gain by computing several at once
  EngineFixture f({.context = 512, .speculate = Speculate::measured}, options);
  const Record record = f.run({.prompt = counting(0, 30), .sampling = {.max_tokens = 150}});
  CHECK(record.ids == f.expected_greedy(counting(0, 30), 150));
  CHECK(record.done->stats.declined_steps > record.done->stats.drafted_steps);
}

TEST_CASE("stop strings and half characters within a draft") {
  TokenizerSpec spec;
  char32_t stand_in = 0x100;
  for (int32_t b = 0; b < 256; ++b) {
    const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    spec.vocabulary.push_back({to_utf8(printable ? static_cast<char32_t>(b) : stand_in++), b, 0});
  }
  spec.pre_tokenizers = {{.kind = PreTokenizerStep::Kind::kByteLevel}};
  spec.decoders = {{.kind = DecoderStep::Kind::kByteLevel}};
  const Tokenizer tokenizer = Tokenizer::build(std::move(spec)).value();
  const std::string text = "măng mọc, măng mọc, măng mọc, măng mọc, măng già, tre già, tre già, tre già.";
  FakeModelOptions options;
  options.script = [text](std::span<const int32_t> tokens) -> std::optional<int32_t> {
    return static_cast<uint8_t>(text[tokens.size() % text.size()]);
  };
  std::vector<int32_t> prompt;
  for (size_t i = 0; i < 14; ++i) prompt.push_back(static_cast<uint8_t>(text[i]));
  for (const char* stop : {"măng m", "già", "mọc, măng g", "è nhà", ",", "tre già, tre già, tre"}) {
    for (int64_t most = 30; most < 40; ++most) {
      Record records[2];
      for (const bool drafts : {false, true}) {
        EngineFixture f({.context = 256, .speculate = drafts ? Speculate::always : Speculate::off}, options,
                        &tokenizer);
        records[drafts] = f.run({.prompt = prompt, .sampling = {.stop = {stop}, .max_tokens = most}});
        f.check_clean();
      }
      CAPTURE(stop);
      check_same(records[1], records[0]);
    }
  }
}

}  // namespace
}  // namespace mang
