// Logits by chunks, perplexity and the benchmark's core, on the fake model.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/bench.h"
#include "engine/collect_logits.h"
#include "engine/engine_fixture.h"
#include "engine/perplexity.h"

namespace mang {
namespace {

struct MeasureFixture {
  explicit MeasureFixture(FakeModelOptions options = {.context = 512}) : model(std::move(options)) {}
  ThreadPool threads{2};
  Device device{threads, best_isa()};
  FakeModel model;

  // −log p(ids[to] | ids[from … to − 1]), in long double.
  double nll(const std::vector<int32_t>& ids, size_t from, size_t to) const {
    std::vector<float> row(static_cast<size_t>(model.info().vocab));
    model.expected_logits(std::span(ids).subspan(from, to - from), row.data());
    long double sum = 0;
    for (const float l : row) sum += std::exp(static_cast<long double>(l));
    return static_cast<double>(std::log(sum) - row[ids[to]]);
  }
};

TEST_CASE("logits by chunks of any size are the same rows in order") {
  MeasureFixture f;
  const std::vector<int32_t> ids = counting(3, 150);
  const auto vocab = static_cast<size_t>(f.model.info().vocab);
  for (const int64_t chunk : {0, 1, 7, 64, 149, 150, 1000}) {
    int64_t next = 0;
    const auto result = collect_logits(f.model, f.device, Arithmetic::exact, KvType::f32, ids, chunk,
                                       [&](int64_t first, int64_t count, const float* rows) -> Result<void> {
                                         CHECK(first == next);
                                         CHECK((chunk == 0 || count <= chunk));
                                         for (int64_t i = 0; i < count; ++i) {
                                           std::vector<float> want(vocab);
                                           f.model.expected_logits(std::span(ids).first(first + i + 1), want.data());
                                           REQUIRE(std::equal(want.begin(), want.end(), rows + i * vocab));
                                         }
                                         next += count;
                                         return {};
                                       });
    CHECK(result.ok());
    CHECK(next == 150);
  }
  CHECK(f.model.faults() == 0);
}

TEST_CASE("collect_logits refuses what it cannot do and passes the sink's error on") {
  MeasureFixture f;
  const auto error = [&](const std::vector<int32_t>& ids, int64_t chunk) {
    const auto result = collect_logits(f.model, f.device, Arithmetic::exact, KvType::f32, ids, chunk,
                                       [](int64_t, int64_t, const float*) { return fail("disk full"); });
    return result.ok() ? std::string() : result.error().message;
  };
  CHECK(error({}, 1).find("no token") != std::string::npos);
  CHECK(error({1, 256}, 1).find("256") != std::string::npos);
  CHECK(error({1}, -1).find("chunk") != std::string::npos);
  CHECK(error(counting(0, 513), 1).find("513") != std::string::npos);
  CHECK(error(counting(0, 513), 1).find("512") != std::string::npos);
  CHECK(error({1}, 1) == "disk full");
}

TEST_CASE("perplexity of windows side by side: the second half of each, after its own beginning") {
  MeasureFixture f;
  std::vector<int32_t> ids = counting(1, 100);
  for (const std::optional<int32_t> bos : {std::optional<int32_t>(), std::optional<int32_t>(9)}) {
    double sum = 0;
    double squares = 0;
    int64_t n = 0;
    for (size_t begin = 0; begin + 32 <= ids.size(); begin += 32) {
      std::vector<int32_t> window(ids.begin() + begin, ids.begin() + begin + 32);
      if (bos) window[0] = *bos;
      for (size_t to = 17; to < 32; ++to, ++n) {
        const double x = f.nll(window, 0, to);
        sum += x;
        squares += x * x;
      }
    }
    const double mean = sum / n;
    for (const int64_t chunk : {1, 5, 512}) {
      const PerplexityResult r =
          perplexity(f.model, f.device, ids, {.context = 32, .bos = bos, .chunk = chunk}).value();
      CHECK(r.windows == 3);
      CHECK(r.scored_tokens == n);
      CHECK(std::abs(r.mean_nll - mean) < 1e-5);
      CHECK(std::abs(r.standard_error - std::sqrt((squares / n - mean * mean) / (n - 1))) < 1e-5);
      CHECK(std::abs(r.perplexity - std::exp(mean)) < 1e-4 * std::exp(mean));
      CHECK(std::abs(r.perplexity_error - r.perplexity * r.standard_error) < 1e-6 * r.perplexity);
    }
  }
}

TEST_CASE("perplexity with a stride scores each token once, with as much before it as its window has") {
  MeasureFixture f;
  const std::vector<int32_t> ids = counting(1, 75);
  double sum = 0;
  std::vector<int> scored(ids.size());
  for (size_t begin = 0, done = 1; done < ids.size(); begin += 10) {
    const size_t end = std::min<size_t>(begin + 32, ids.size());
    for (; done < end; ++done) {
      sum += f.nll(ids, begin, done);
      ++scored[done];
    }
  }
  for (size_t i = 1; i < ids.size(); ++i) REQUIRE(scored[i] == 1);
  const PerplexityResult r = perplexity(f.model, f.device, ids, {.context = 32, .stride = 10}).value();
  CHECK(r.scored_tokens == 74);
  CHECK(std::abs(r.mean_nll - sum / 74) < 1e-5);
  // A BOS goes in front of the text, once.
  CHECK(perplexity(f.model, f.device, ids, {.context = 32, .stride = 10, .bos = 1})->scored_tokens == 75);
}

TEST_CASE("perplexity: limits, progress, cancelling") {
  MeasureFixture f({.context = 512, .nan_token = 255});
  const std::vector<int32_t> ids = counting(1, 100, 200);
  const auto refused = [&](const PerplexityOptions& options, std::string_view words) {
    const auto result = perplexity(f.model, f.device, ids, options);
    return !result.ok() && result.error().message.find(words) != std::string::npos;
  };
  CHECK(refused({.context = 513}, "513"));
  CHECK(refused({.context = 1}, "1"));
  CHECK(refused({.context = 32, .stride = 32}, "stride"));
  CHECK(refused({.context = 32, .stride = -1}, "stride"));
  CHECK(refused({.context = 32, .chunk = 0}, "chunk"));
  CHECK(refused({.context = 101}, "100"));
  CHECK(refused({.context = 32, .bos = 256}, "256"));
  CHECK(refused({.context = 32, .stride = 10, .bos = 255}, "no probability"));
  std::atomic<bool> cancel = true;
  CHECK(refused({.context = 32, .cancel = &cancel}, "Cancelled"));
  int calls = 0;
  const auto r = perplexity(f.model, f.device, ids, {.context = 32, .max_windows = 2},
                            [&](const PerplexityResult& so_far, int64_t windows) {
                              CHECK(so_far.windows == ++calls);
                              CHECK(windows == 2);
                            });
  CHECK(r.ok());
  CHECK(calls == 2);
}

TEST_CASE("the benchmark does the work it names") {
  MeasureFixture f;
  const auto steps = [&](const BenchCase& test, BenchOptions options) {
    const size_t before = f.model.steps().size();
    const BenchResult r = run_bench(f.model, f.device, test, options).value();
    CHECK(r.seconds.size() == static_cast<size_t>(options.repetitions));
    if (test.beside == 0) CHECK(r.tokens == test.sequences * (test.prompt + test.generate));
    CHECK(r.median > 0);
    return std::vector(f.model.steps().begin() + static_cast<std::ptrdiff_t>(before), f.model.steps().end());
  };
  using Steps = std::vector<std::vector<int64_t>>;
  CHECK(steps({.prompt = 100}, {.repetitions = 2, .warm_up = false, .chunk = 64}) == Steps{{64}, {36}, {64}, {36}});
  CHECK(steps({.generate = 3}, {.repetitions = 1, .warm_up = false}) == Steps{{1}, {1}, {1}});
  CHECK(steps({.generate = 2, .depth = 70, .sequences = 3}, {.repetitions = 1, .warm_up = false, .chunk = 128}) ==
        Steps{{70, 58}, {12, 70}, {1, 1, 1}, {1, 1, 1}});
  CHECK(steps({.prompt = 5, .generate = 6}, {.repetitions = 1}) ==
        Steps{{5}, {1}, {1}, {1}, {1}, {5}, {1}, {1}, {1}, {1}, {1}, {1}});
  // Two that write beside a prompt of 100: 62 of its tokens in the first forward, 38 in the second.
  CHECK(steps({.prompt = 100, .depth = 10, .beside = 2}, {.repetitions = 1, .warm_up = false, .chunk = 64}) ==
        Steps{{10, 10, 10}, {1, 1, 62}, {1, 1, 38}});
  CHECK(run_bench(f.model, f.device, {.prompt = 100, .beside = 2}, {.repetitions = 1, .chunk = 64}).value().tokens ==
        100 + 2 * 2);
  CHECK(f.model.faults() == 0);
  CHECK(bench_name({.prompt = 512, .beside = 8}) == "pp512 beside tg x8");
  CHECK(bench_name({.prompt = 512}) == "pp512");
  CHECK(bench_name({.generate = 128, .depth = 512, .sequences = 4}) == "tg128 x4 @ d512");
  CHECK(bench_name({.prompt = 5, .generate = 6}) == "pp5+tg6");
}

TEST_CASE("benchmark figures: median, mean and deviation of what was measured") {
  MeasureFixture f({.context = 512, .seconds_a_token = 0.0002});
  const BenchResult r = run_bench(f.model, f.device, {.prompt = 20}, {.repetitions = 4}).value();
  std::vector<double> speeds;
  double mean = 0;
  for (const double s : r.seconds) speeds.push_back(20 / s);
  for (const double v : speeds) mean += v / 4;
  std::sort(speeds.begin(), speeds.end());
  CHECK(std::abs(r.mean - mean) < 1e-6 * mean);
  CHECK(std::abs(r.median - (speeds[1] + speeds[2]) / 2) < 1e-6 * mean);
  CHECK(r.mean < 5000);
  double squares = 0;
  for (const double v : speeds) squares += (v - mean) * (v - mean);
  CHECK(std::abs(r.deviation - std::sqrt(squares / 3)) < 1e-6 * mean);
}

TEST_CASE("benchmark cases that cannot be measured are refused") {
  MeasureFixture f;
  const auto refused = [&](const BenchCase& test, const BenchOptions& options = {}) {
    return !run_bench(f.model, f.device, test, options).ok();
  };
  CHECK(refused({}));
  CHECK(refused({.prompt = 513}));
  CHECK(refused({.prompt = 500, .depth = 13}));
  CHECK(refused({.prompt = INT64_MAX, .depth = 13}));
  CHECK(refused({.prompt = -1, .generate = 5}));
  CHECK(refused({.prompt = 1, .sequences = 0}));
  CHECK(refused({.prompt = 1, .sequences = INT64_MAX}));
  CHECK(refused({.prompt = 1}, {.repetitions = 0}));
  CHECK(refused({.prompt = 1}, {.chunk = 0}));
  CHECK(refused({.prompt = 8, .beside = -1}));
  CHECK(refused({.generate = 8, .beside = 1}));
  CHECK(refused({.prompt = 8, .beside = 64}, {.chunk = 64}));
  CHECK(refused({.prompt = 400, .depth = 100, .beside = 1}, {.chunk = 1}));
  CHECK(refused({.prompt = 500, .depth = 12, .sequences = 2, .beside = 1}, {.chunk = 2}));  // 1,000 steps
  std::atomic<bool> cancel = true;
  CHECK(refused({.prompt = 1}, {.cancel = &cancel}));
}

TEST_CASE("a benchmark in turns: each repetition is a result of its own") {
  MeasureFixture f;
  BenchRun run = BenchRun::prepare(f.model, f.device, {.prompt = 20}, {}).value();
  CHECK(run.last().seconds.empty());
  for (size_t turn = 1; turn <= 3; ++turn) {
    CHECK(run.repeat().ok());
    CHECK(run.last().seconds.size() == 1);
    CHECK(run.result().seconds.size() == turn);
    CHECK(run.last().seconds.back() == run.result().seconds.back());
  }
}

}  // namespace
}  // namespace mang
