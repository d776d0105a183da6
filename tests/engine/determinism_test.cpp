// The check of sameness by itself, over the fake model: what it covers, and that it sees what is not the same.
#include "engine/determinism.h"

#include <doctest/doctest.h>

#include <set>

#include "engine/engine_fixture.h"

namespace mang {
namespace {

const std::vector<KvType> kAllKv = {KvType::f16, KvType::q8_0, KvType::f32};

// Answers that repeat themselves, so that drafts are right now and then.
FakeModelOptions repetitive() {
  FakeModelOptions options;
  options.script = [](std::span<const int32_t> tokens) -> std::optional<int32_t> {
    if (tokens.size() % 5 == 0) return std::nullopt;
    return tokens[tokens.size() - 7];
  };
  return options;
}

// A model whose logits after position 180 depend on how many slices the batch has.
class BatchSensitive : public FakeModel {
 public:
  using FakeModel::FakeModel;
  void forward(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv, float* logits) override {
    FakeModel::forward(device, arithmetic, batch, kv, logits);
    for (const BatchSlice& slice : batch.slices) {
      if (slice.logits == LogitsFor::none) continue;
      const auto count = static_cast<int64_t>(slice.tokens.size());
      const int64_t rows = slice.logits == LogitsFor::all ? count : 1;
      if (batch.slices.size() == 5 && slice.first_position + count > 180) logits[3] += 0x1p-20f;
      logits += rows * info().vocab;
    }
  }
};

TEST_CASE("the ways are a covering array over everything that must not matter") {
  const std::vector<Isa> isas = {Isa::generic, Isa::avx2, Isa::avx512};
  std::set<std::string> met;
  for (const WorkingWay& way : covering_ways(isas, kAllKv)) {
    const std::vector<std::string> values = {"batch " + std::to_string(way.batch),
                                             "threads " + std::to_string(way.threads),
                                             "chunk " + std::to_string(way.chunk),
                                             "cache " + std::to_string(static_cast<int>(way.cache)),
                                             "drafts " + std::to_string(static_cast<int>(way.drafts)),
                                             way.preemption ? "preempted" : "undisturbed",
                                             "kv " + std::to_string(static_cast<int>(way.kv)),
                                             std::string(isa_name(way.isa))};
    for (size_t a = 0; a < values.size(); ++a) {
      for (size_t b = a + 1; b < values.size(); ++b) met.insert(values[a] + " & " + values[b]);
    }
  }
  const size_t levels[] = {4, 4, 4, 3, 3, 2, 3, 3};
  size_t pairs = 0;
  for (size_t a = 0; a < std::size(levels); ++a) {
    for (size_t b = a + 1; b < std::size(levels); ++b) pairs += levels[a] * levels[b];
  }
  CHECK(met.size() == pairs - 1);
  CHECK(!met.contains("batch 1 & preempted"));  // nobody else would take its blocks
  CHECK(met.contains("threads 8 & cache 2"));
}

TEST_CASE("all ways really do what they say, and the fake model answers the same") {
  FakeModel model(repetitive());
  int64_t told = 0;
  DeterminismOptions options;
  options.prompts = 34;
  options.answer_tokens = 30;
  options.isas = {best_isa()};
  options.kv_types = {KvType::f16};
  options.on_progress = [&](int64_t done, int64_t total) {
    told = done;
    CHECK(done <= total);
  };
  const DeterminismReport report = check_determinism(model, options).value();
  CHECK(report.different == 0);
  CHECK(!report.first.has_value());
  CHECK(model.faults() == 0);
  CHECK(report.plain_ways == 1);
  CHECK(report.ways.size() >= 17);
  CHECK(report.answers == static_cast<int64_t>(report.ways.size() - 1) * 68);
  CHECK(report.tokens == report.answers * 30);
  CHECK(report.cached_tokens > 10'000);
  CHECK(report.accepted_drafts > 1000);
  CHECK(report.rejected_drafts > 100);
  CHECK(report.preemptions > 20);
  CHECK(report.sha256.size() == 64);
  CHECK(told >= static_cast<int64_t>(report.ways.size()) * 68);
  // The same again, and another where the prompts are others.
  options.on_progress = nullptr;
  CHECK(check_determinism(model, options).value().sha256 == report.sha256);
  options.prompts = 3;
  CHECK(check_determinism(model, options).value().sha256 != report.sha256);
}

TEST_CASE("one bit of one logit in one kind of batch is found, with where it was") {
  BatchSensitive model(repetitive());
  DeterminismOptions options;
  options.prompts = 8;
  options.isas = {best_isa()};
  options.kv_types = {KvType::f16};
  const DeterminismReport report = check_determinism(model, options).value();
  CHECK(report.different > 0);
  REQUIRE(report.first.has_value());
  CHECK(report.first->way.batch >= 8);
  CHECK(report.first->expected == report.first->got);  // no token changed: only the bits tell
  CHECK(report.first->way.name().find("batch=") == 0);
}

TEST_CASE("what cannot be checked is told") {
  FakeModel model(FakeModelOptions{.context = 100});
  DeterminismOptions options;
  const auto error = [&] { return check_determinism(model, options).error().message; };
  CHECK(error().find("context holds 100") != std::string::npos);
  options.prompts = 0;
  CHECK(error().find("Nothing to compare") != std::string::npos);
  FakeModel large({});
  options.prompts = 1;
  const std::atomic<bool> cancel = true;
  options.cancel = &cancel;
  CHECK(check_determinism(large, options).error().message == "Cancelled.");
  options.cancel = nullptr;
  FakeModel broken({.nan_token = 3});
  options.prompts = 40;
  CHECK(check_determinism(broken, options).error().message.find("NaN") != std::string::npos);
}

}  // namespace
}  // namespace mang
