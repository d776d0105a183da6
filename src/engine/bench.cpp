#include "engine/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "engine/collect_logits.h"
#include "engine/sampler.h"

namespace mang {

namespace {

constexpr int64_t kMostRepetitions = 10'000;
constexpr int64_t kMostSequences = 4'096;

Result<void> check(const BenchCase& test, const BenchOptions& options, const ModelInfo& info) {
  if (test.prompt < 0 || test.generate < 0 || test.depth < 0 || test.prompt + test.generate < 1) {
    return fail("Nothing to measure: a case needs prompt tokens or generated tokens, and no negative number.");
  }
  if (test.prompt > info.context || test.generate > info.context || test.depth > info.context ||
      test.depth + test.prompt + test.generate > info.context) {
    return fail("{} needs {} + {} + {} positions (depth, prompt, generated), but the model's context holds {}.",
                bench_name(test), test.depth, test.prompt, test.generate, info.context);
  }
  if (test.sequences < 1 || test.sequences > kMostSequences) {
    return fail("{} sequences were asked for; it must be from 1 to {}.", test.sequences, kMostSequences);
  }
  if (options.repetitions < 1 || options.repetitions > kMostRepetitions) {
    return fail("{} repetitions were asked for; it must be from 1 to {}.", options.repetitions, kMostRepetitions);
  }
  if (options.chunk < 1) return fail("The chunk is {}; it must be 1 or more.", options.chunk);
  return {};
}

// Sequences with synthetic tokens, computed part by part. Positions that were measured are simply computed again.
class Bench {
 public:
  Bench(Model& model, const Device& device, const BenchCase& test, const BenchOptions& options, KvPool& pool)
      : model_(model), device_(device), test_(test), options_(options), pool_(pool) {
    const int64_t positions = test.depth + test.prompt + test.generate;
    const int64_t blocks = (positions + kPagePositions - 1) / kPagePositions;
    tokens_.resize(static_cast<size_t>(test.sequences));
    blocks_.resize(static_cast<size_t>(test.sequences));
    for (int64_t s = 0; s < test.sequences; ++s) {
      for (int64_t i = 0; i < positions; ++i) {
        const uint64_t random = random_bits(static_cast<uint64_t>(s), static_cast<uint64_t>(i));
        tokens_[s].push_back(static_cast<int32_t>(random % static_cast<uint64_t>(model.info().vocab)));
      }
      for (int64_t b = 0; b < blocks; ++b) blocks_[s].push_back(pool.allocate());
    }
    logits_.resize(static_cast<size_t>(test.sequences * model.info().vocab));
  }

  // Prompts: `chunk` tokens a forward, filled from one sequence after another.
  Result<void> read(int64_t begin, int64_t end) {
    std::vector<BatchSlice> slices;
    int64_t room = options_.chunk;
    for (int64_t s = 0; s < test_.sequences; ++s) {
      for (int64_t at = begin; at < end;) {
        const int64_t n = std::min(room, end - at);
        slices.push_back(slice(s, at, n, at + n == end ? LogitsFor::last : LogitsFor::none));
        at += n;
        room -= n;
        if (room > 0) continue;
        MANG_TRY(forward(slices));
        room = options_.chunk;
      }
    }
    return slices.empty() ? Result<void>() : forward(slices);
  }

  // Answers: one token of each sequence a forward.
  Result<void> generate(int64_t begin, int64_t end) {
    std::vector<BatchSlice> slices;
    for (int64_t at = begin; at < end; ++at) {
      for (int64_t s = 0; s < test_.sequences; ++s) slices.push_back(slice(s, at, 1, LogitsFor::last));
      MANG_TRY(forward(slices));
    }
    return {};
  }

 private:
  [[nodiscard]] BatchSlice slice(int64_t s, int64_t at, int64_t n, LogitsFor logits) const {
    return {std::span(tokens_[s]).subspan(static_cast<size_t>(at), static_cast<size_t>(n)), at, blocks_[s], logits};
  }

  Result<void> forward(std::vector<BatchSlice>& slices) {
    if (options_.cancel != nullptr && options_.cancel->load()) return fail("Cancelled.");
    model_.forward(device_, options_.arithmetic, Batch{slices}, pool_, logits_.data());
    slices.clear();
    return {};
  }

  Model& model_;
  const Device& device_;
  const BenchCase& test_;
  const BenchOptions& options_;
  KvPool& pool_;
  std::vector<std::vector<int32_t>> tokens_;  // of each sequence
  std::vector<std::vector<BlockId>> blocks_;
  std::vector<float> logits_;  // [sequences, vocab]
};

}  // namespace

std::string bench_name(const BenchCase& test) {
  std::string name;
  if (test.prompt > 0) name += fmt::format("pp{}", test.prompt);
  if (test.prompt > 0 && test.generate > 0) name += "+";
  if (test.generate > 0) name += fmt::format("tg{}", test.generate);
  if (test.sequences > 1) name += fmt::format(" x{}", test.sequences);
  if (test.depth > 0) name += fmt::format(" @ d{}", test.depth);
  return name;
}

Result<BenchResult> run_bench(Model& model, const Device& device, const BenchCase& test, const BenchOptions& options) {
  MANG_TRY(check(test, options, model.info()));
  const int64_t positions = test.depth + test.prompt + test.generate;
  const int64_t blocks_each = (positions + kPagePositions - 1) / kPagePositions;
  MANG_TRY(KvPool pool, create_pool(model, options.kv_type, test.sequences * blocks_each * kPagePositions));
  Bench bench(model, device, test, options, pool);
  MANG_TRY(bench.read(0, test.depth));

  BenchResult result;
  result.test = test;
  result.tokens = test.sequences * (test.prompt + test.generate);
  std::vector<double> speeds;
  for (int64_t run = options.warm_up ? -1 : 0; run < options.repetitions; ++run) {
    const auto start = std::chrono::steady_clock::now();
    MANG_TRY(bench.read(test.depth, test.depth + test.prompt));
    // A warm-up needs to touch everything once, not to take as long as the measurement.
    const int64_t generate = run < 0 ? std::min<int64_t>(test.generate, 4) : test.generate;
    MANG_TRY(bench.generate(test.depth + test.prompt, test.depth + test.prompt + generate));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (run < 0) continue;
    result.seconds.push_back(seconds.count());
    speeds.push_back(static_cast<double>(result.tokens) / std::max(seconds.count(), 1e-9));
  }
  std::sort(speeds.begin(), speeds.end());
  const size_t n = speeds.size();
  result.median = (speeds[(n - 1) / 2] + speeds[n / 2]) / 2;
  for (const double speed : speeds) result.mean += speed / static_cast<double>(n);
  double squares = 0;
  for (const double speed : speeds) squares += (speed - result.mean) * (speed - result.mean);
  result.deviation = n > 1 ? std::sqrt(squares / static_cast<double>(n - 1)) : 0;
  return result;
}

}  // namespace mang
