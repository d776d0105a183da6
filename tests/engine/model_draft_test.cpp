// Drafts by a second model.
#include "engine/model_draft.h"

#include <doctest/doctest.h>

#include "engine/engine_fixture.h"
#include "engine/workload.h"

namespace mang {
namespace {

// A model that says what `script` says, and one that says the same but for some tokens.
FakeModelOptions speaker(int64_t wrong_every) {
  FakeModelOptions options;
  options.script = [=](std::span<const int32_t> tokens) -> std::optional<int32_t> {
    const auto length = static_cast<int64_t>(tokens.size());
    const int32_t next = (tokens.back() * 5 + 17) % 251;
    return wrong_every > 0 && (length + tokens.back()) % wrong_every == 0 ? (next + 1) % 251 : next;
  };
  return options;
}

constexpr double kAnyTime = 1e9;

struct DraftFixture {
  explicit DraftFixture(int64_t wrong_every, EngineOptions options = {})
      : draft(speaker(wrong_every)), f(with(options, draft), speaker(0)) {}
  static EngineOptions with(EngineOptions options, Model& draft) {
    if (options.context == 0) options.context = 1024;
    options.speculate = Speculate::always;
    options.draft_model = &draft;
    return options;
  }
  FakeModel draft;
  EngineFixture f;
};

TEST_CASE("a draft model that is always right: as many tokens a step as are drafted, and the same answer") {
  DraftFixture d(0);
  const Record record = d.f.run({.prompt = counting(0, 100), .sampling = {.max_tokens = 200}});
  CHECK(record.ids == d.f.expected_greedy(counting(0, 100), 200));
  CHECK(record.done->stats.accepted_tokens == record.done->stats.drafted_tokens);
  CHECK(d.f.model.steps().size() < 30);
  CHECK(d.draft.faults() == 0);
  d.f.check_clean();
}

TEST_CASE("a draft model that is wrong now and then goes back to where it was wrong") {
  for (const int64_t wrong_every : {2, 3, 7, 20}) {
    DraftFixture d(wrong_every);
    const Record record = d.f.run({.prompt = counting(0, 60), .sampling = {.max_tokens = 300}});
    CHECK(record.ids == d.f.expected_greedy(counting(0, 60), 300));
    const RequestStats& stats = record.done->stats;
    CHECK(stats.accepted_tokens > 50);
    CHECK(stats.accepted_tokens < stats.drafted_tokens);
    // What its cache held was what the sequence held: otherwise it would have been right no more.
    CHECK(d.draft.faults() == 0);
    d.f.check_clean();
  }
}

TEST_CASE("any workload with a draft model: each request's answer is the one it has alone") {
  Tally tally;
  for (uint32_t seed = 100; seed < 125; ++seed) {
    Workload workload(seed);
    DraftFixture d(3 + seed % 10, workload.options());
    work(d.f, workload, {.requests = 20, .interrupted = false}, tally);
    CHECK(d.draft.faults() == 0);
  }
  CHECK(tally.accepted > 2000);
  CHECK(tally.preemptions > 5);
}

TEST_CASE("of a long prompt the draft model reads the end, and where it fell far behind it begins anew") {
  ThreadPool threads(1);
  const Device device(threads, best_isa());
  FakeModel model(speaker(0));
  const auto source = ModelDraft::create(model, device, 256, 2048, 2).value();
  std::vector<int32_t> tokens = counting(0, 1500, 251);
  double time = kAnyTime;
  const auto drafted = [&](int64_t count) {
    const DraftOffer offer = source->offer(7, tokens, count, time);
    REQUIRE(offer.most == count);
    std::vector<DraftRequest> requests = {{7, tokens, count, {}}};
    source->draft(requests);
    return requests[0].ids;
  };
  const auto steps_since = [&](size_t step) {
    return std::vector<std::vector<int64_t>>(model.steps().begin() + static_cast<int64_t>(step), model.steps().end());
  };
  const auto right = [&](int64_t count) {
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < count; ++i) ids.push_back(((ids.empty() ? tokens.back() : ids.back()) * 5 + 17) % 251);
    return ids;
  };
  CHECK(drafted(4) == right(4));
  using Steps = std::vector<std::vector<int64_t>>;
  CHECK(steps_since(0) == Steps{{ModelDraft::kLeastWindow}, {ModelDraft::kMostWindow - 1}, {1}, {1}, {1}, {1}});
  for (int i = 0; i < 50; ++i) tokens.push_back(9);
  size_t before = model.steps().size();
  CHECK(drafted(2) == right(2));
  CHECK(steps_since(before) == Steps{{49}, {1}, {1}});  // caught up
  for (int i = 0; i < 5; ++i) tokens.push_back(10);
  before = model.steps().size();
  CHECK(drafted(1) == right(1));
  CHECK(steps_since(before) == Steps{{5}});  // so few are read with the draft
  for (int i = 0; i < 400; ++i) tokens.push_back(11);
  before = model.steps().size();
  time = 0;  // there is none to spare
  CHECK(drafted(2) == right(2));
  CHECK(steps_since(before) == Steps{{ModelDraft::kLeastWindow - 1}, {1}, {1}});
  CHECK(model.faults() == 0);
  source->forget(7);
  source->forget(8);  // never heard of
}

TEST_CASE("what a draft model has to read is told beforehand, and more is read where there is more time") {
  ThreadPool threads(1);
  const Device device(threads, best_isa());
  FakeModelOptions options = speaker(0);
  options.seconds_a_token = 20e-6;
  FakeModel model(options);
  const auto source = ModelDraft::create(model, device, 256, 2048, 1).value();
  std::vector<int32_t> tokens = counting(0, 1500, 251);
  const double least = source->offer(1, tokens, 4, 0).seconds;
  CHECK(least > 0.8 * 20e-6 * ModelDraft::kLeastWindow);
  const double more = source->offer(1, tokens, 4, 8 * least).seconds;
  CHECK(more > 2 * least);
  CHECK(more < 5 * least);
  std::vector<DraftRequest> requests = {{1, tokens, 4, {}}};
  CHECK(source->draft(requests) > 2 * 20e-6 * ModelDraft::kLeastWindow);
  CHECK(requests[0].ids.size() == 4);
  tokens.push_back(requests[0].ids[0]);
  CHECK(source->offer(1, tokens, 4, 0).seconds == 0);  // nothing to read but what was just said
  requests = {{1, tokens, 4, {}}};
  CHECK(source->draft(requests) == 0);
}

TEST_CASE("the draft model's own context, cache and vocabulary end where they end") {
  ThreadPool threads(1);
  const Device device(threads, best_isa());
  FakeModel model({.vocab = 100, .context = 128});
  const auto source = ModelDraft::create(model, device, 256, 4096, 1).value();
  std::vector<int32_t> tokens = counting(0, 30, 100);
  for (int i = 0; i < 300; ++i) {  // past its context again and again
    const DraftOffer offer = source->offer(1, tokens, 8, kAnyTime);
    REQUIRE(offer.most >= 1);
    std::vector<DraftRequest> requests = {{1, tokens, offer.most, {}}};
    source->draft(requests);
    REQUIRE(static_cast<int64_t>(requests[0].ids.size()) == offer.most);
    for (const int32_t id : requests[0].ids) REQUIRE(id < 100);
    tokens.push_back(static_cast<int32_t>(i * 13 % 100));
  }
  CHECK(model.faults() == 0);
  // A second sequence finds no room in its cache.
  CHECK(source->offer(2, counting(0, 100, 100), 4, kAnyTime).most == 0);
  source->forget(1);
  CHECK(source->offer(2, counting(0, 100, 100), 4, kAnyTime).most == 4);
  // An id it does not know.
  source->forget(2);
  CHECK(source->offer(3, std::vector<int32_t>{1, 2, 150}, 4, kAnyTime).most == 0);
  CHECK(source->offer(4, std::vector<int32_t>{1, 150, 2}, 4, kAnyTime).most == 0);
}

TEST_CASE("vocabularies that differ are told by the first token") {
  const auto tokenizer = [](std::vector<std::string> words) {
    TokenizerSpec spec;
    for (size_t i = 0; i < words.size(); ++i) spec.vocabulary.push_back({words[i], static_cast<int32_t>(i), 0});
    return Tokenizer::build(std::move(spec)).value();
  };
  const Tokenizer abc = tokenizer({"a", "b", "c"});
  CHECK(check_same_vocabulary(abc, tokenizer({"a", "b", "c"})).ok());
  CHECK(check_same_vocabulary(abc, tokenizer({"a", "b"})).error().message ==
        "The draft model has another vocabulary: 2 tokens instead of 3.");
  CHECK(check_same_vocabulary(abc, tokenizer({"a", "x", "c"})).error().message ==
        "The draft model has another vocabulary: token 1 is 'x' instead of 'b'.");
}

}  // namespace
}  // namespace mang
