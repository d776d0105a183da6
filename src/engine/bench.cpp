#include "engine/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "engine/collect_logits.h"
#include "engine/sampler.h"

namespace mang {

namespace {

constexpr int64_t kMostRepetitions = 10'000;
constexpr int64_t kMostSequences = 4'096;

// Forwards in which prompts are read: the tokens of all sequences in a row, as many as fit.
int64_t prompt_steps(const BenchCase& test, const BenchOptions& options) {
  const int64_t room = options.chunk - test.beside;
  return (test.sequences * test.prompt + room - 1) / room;
}

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
  if (test.beside < 0 || (test.beside > 0 && (test.prompt == 0 || test.generate > 0))) {
    return fail("{} sequences beside were asked for; they write beside a prompt that is read, and nothing else.",
                test.beside);
  }
  if (test.beside > kMostSequences || test.beside >= options.chunk) {
    return fail("{} sequences beside leave a chunk of {} tokens no room for the prompt; use a larger chunk.",
                test.beside, options.chunk);
  }
  if (test.beside > 0 && test.depth + prompt_steps(test, options) > info.context) {
    return fail("The sequences beside need {} + {} positions (depth, written), but the model's context holds {}.",
                test.depth, prompt_steps(test, options), info.context);
  }
  return {};
}

}  // namespace

// Sequences with synthetic tokens, computed part by part: first those whose prompts are read and whose answers are
// written, then those that write beside.
class BenchRun::Work {
 public:
  Work(Model& model, const Device& device, const BenchCase& test, const BenchOptions& options, KvPool pool)
      : model_(model), device_(device), test_(test), options_(options), pool_(std::move(pool)) {
    for (int64_t s = 0; s < test.sequences; ++s) add_sequence(test.depth + test.prompt + test.generate);
    for (int64_t s = 0; s < test.beside; ++s) add_sequence(test.depth + prompt_steps(test, options));
    logits_.resize(tokens_.size() * static_cast<size_t>(model.info().vocab));
  }

  [[nodiscard]] const BenchCase& test() const { return test_; }
  [[nodiscard]] int64_t tokens() const {
    const int64_t beside = test_.beside == 0 ? 0 : test_.beside * prompt_steps(test_, options_);
    return test_.sequences * (test_.prompt + test_.generate) + beside;
  }

  Result<void> fill_depth() { return read(0, test_.depth, static_cast<int64_t>(tokens_.size()), 0); }
  Result<void> read_prompts() { return read(test_.depth, test_.depth + test_.prompt, test_.sequences, test_.beside); }

  // Answers: one token of each sequence a forward.
  Result<void> generate(int64_t count) {
    const int64_t begin = test_.depth + test_.prompt;
    for (int64_t at = begin; at < begin + count; ++at) {
      for (int64_t s = 0; s < test_.sequences; ++s) slices_.push_back(slice(s, at, 1, LogitsFor::last));
      MANG_TRY(forward());
    }
    return {};
  }

 private:
  void add_sequence(int64_t positions) {
    const auto s = static_cast<uint64_t>(tokens_.size());
    std::vector<int32_t>& tokens = tokens_.emplace_back();
    for (int64_t i = 0; i < positions; ++i) {
      const uint64_t random = random_bits(s, static_cast<uint64_t>(i));
      tokens.push_back(static_cast<int32_t>(random % static_cast<uint64_t>(model_.info().vocab)));
    }
    std::vector<BlockId>& blocks = blocks_.emplace_back();
    for (int64_t b = 0; b < blocks_for(positions); ++b) blocks.push_back(pool_.allocate());
  }

  // Prompts: `chunk` tokens a forward, filled from one sequence after another, behind the `beside` ones' tokens.
  Result<void> read(int64_t begin, int64_t end, int64_t sequences, int64_t beside) {
    int64_t step = 0;
    int64_t room = start_step(beside, step);
    for (int64_t s = 0; s < sequences; ++s) {
      for (int64_t at = begin; at < end;) {
        if (room == 0) {
          MANG_TRY(forward());
          room = start_step(beside, ++step);
        }
        const int64_t n = std::min(room, end - at);
        slices_.push_back(slice(s, at, n, at + n == end ? LogitsFor::last : LogitsFor::none));
        at += n;
        room -= n;
      }
    }
    return begin == end ? Result<void>() : forward();
  }

  // The tokens that are written beside in this step; how many others there is room for.
  int64_t start_step(int64_t beside, int64_t step) {
    for (int64_t s = 0; s < beside; ++s)
      slices_.push_back(slice(test_.sequences + s, test_.depth + step, 1, LogitsFor::last));
    return options_.chunk - beside;
  }

  [[nodiscard]] BatchSlice slice(int64_t s, int64_t at, int64_t n, LogitsFor logits) const {
    return {std::span(tokens_[s]).subspan(static_cast<size_t>(at), static_cast<size_t>(n)), at, blocks_[s], logits};
  }

  Result<void> forward() {
    if (options_.cancel != nullptr && options_.cancel->load()) return fail("Cancelled.");
    model_.forward(device_, options_.arithmetic, Batch{slices_}, pool_, logits_.data());
    slices_.clear();
    return {};
  }

  Model& model_;
  const Device& device_;
  const BenchCase test_;
  const BenchOptions options_;
  KvPool pool_;
  std::vector<std::vector<int32_t>> tokens_;  // of each sequence
  std::vector<std::vector<BlockId>> blocks_;
  std::vector<BatchSlice> slices_;  // of the forward that is being put together
  std::vector<float> logits_;       // [sequences, vocab]
};

std::string bench_name(const BenchCase& test) {
  std::string name;
  if (test.prompt > 0) name += fmt::format("pp{}", test.prompt);
  if (test.prompt > 0 && test.generate > 0) name += "+";
  if (test.generate > 0) name += fmt::format("tg{}", test.generate);
  if (test.sequences > 1) name += fmt::format(" x{}", test.sequences);
  if (test.beside > 0) name += fmt::format(" beside tg x{}", test.beside);
  if (test.depth > 0) name += fmt::format(" @ d{}", test.depth);
  return name;
}

namespace {

BenchResult summary(const BenchCase& test, int64_t tokens, std::vector<double> seconds) {
  BenchResult result;
  result.test = test;
  result.tokens = tokens;
  result.seconds = std::move(seconds);
  const size_t n = result.seconds.size();
  if (n == 0) return result;
  std::vector<double> speeds;
  for (double each : result.seconds) speeds.push_back(static_cast<double>(tokens) / std::max(each, 1e-9));
  std::sort(speeds.begin(), speeds.end());
  result.median = (speeds[(n - 1) / 2] + speeds[n / 2]) / 2;
  for (const double speed : speeds) result.mean += speed / static_cast<double>(n);
  double squares = 0;
  for (const double speed : speeds) squares += (speed - result.mean) * (speed - result.mean);
  result.deviation = n > 1 ? std::sqrt(squares / static_cast<double>(n - 1)) : 0;
  return result;
}

}  // namespace

BenchRun::BenchRun(std::unique_ptr<Work> work) : work_(std::move(work)) {}
BenchRun::BenchRun(BenchRun&&) noexcept = default;
BenchRun::~BenchRun() = default;

Result<BenchRun> BenchRun::prepare(Model& model, const Device& device, const BenchCase& test,
                                   const BenchOptions& options) {
  MANG_TRY(check(test, options, model.info()));
  const auto whole_pages = [](int64_t positions) { return blocks_for(positions) * kPagePositions; };
  int64_t positions = test.sequences * whole_pages(test.depth + test.prompt + test.generate);
  positions += test.beside * whole_pages(test.depth + prompt_steps(test, options));
  MANG_TRY(KvPool pool, create_pool(model, options.kv_type, positions));
  BenchRun run(std::make_unique<Work>(model, device, test, options, std::move(pool)));
  MANG_TRY(run.work_->fill_depth());
  return run;
}

Result<void> BenchRun::warm_up() {
  MANG_TRY(work_->read_prompts());
  return work_->generate(std::min<int64_t>(work_->test().generate, 4));
}

Result<void> BenchRun::repeat() {
  const auto start = std::chrono::steady_clock::now();
  MANG_TRY(work_->read_prompts());
  MANG_TRY(work_->generate(work_->test().generate));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  seconds_.push_back(seconds.count());
  return {};
}

BenchResult BenchRun::result() const { return summary(work_->test(), work_->tokens(), seconds_); }

BenchResult BenchRun::last() const {
  return summary(work_->test(), work_->tokens(),
                 {seconds_.empty() ? seconds_.end() : seconds_.end() - 1, seconds_.end()});
}

Result<BenchResult> run_bench(Model& model, const Device& device, const BenchCase& test, const BenchOptions& options) {
  MANG_TRY(BenchRun run, BenchRun::prepare(model, device, test, options));
  if (options.warm_up) MANG_TRY(run.warm_up());
  for (int64_t i = 0; i < options.repetitions; ++i) MANG_TRY(run.repeat());
  return run.result();
}

}  // namespace mang
