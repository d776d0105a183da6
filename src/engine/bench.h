// Speed of a model on this machine: the core of `mang bench`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/device.h"
#include "model/model.h"

namespace mang {

// One row of the table: `prompt` tokens read and/or `generate` tokens written one by one, by each of `sequences`
// sequences that already hold `depth` tokens. Only prompt: "pp512"; only generate: "tg128"; both: "pp512+tg128".
// `beside`: so many further sequences, of the same depth, write one token in each forward of the prompts, as they do
// where several people are served; a forward then holds `chunk` tokens, theirs among them.
struct BenchCase {
  int64_t prompt = 0;
  int64_t generate = 0;
  int64_t depth = 0;
  int64_t sequences = 1;
  int64_t beside = 0;
};
std::string bench_name(const BenchCase& test);  // "pp512", "tg128 @ d512", "tg128 x4", "pp512 beside tg x8"

struct BenchOptions {
  int64_t repetitions = 5;
  bool warm_up = true;  // one unmeasured run before
  int64_t chunk = 512;  // tokens in one forward
  Arithmetic arithmetic = Arithmetic::quantized;
  KvType kv_type = KvType::f16;
  const std::atomic<bool>* cancel = nullptr;
};

struct BenchResult {
  BenchCase test;
  int64_t tokens = 0;           // of one repetition, all sequences together
  std::vector<double> seconds;  // of each repetition
  // Tokens a second over the repetitions.
  double median = 0;
  double mean = 0;
  double deviation = 0;  // sample standard deviation; 0 with one repetition
};

// A case made ready: its sequences stand at their depth. Tokens are synthetic (a fixed pseudo-random sequence); logits
// are computed for the last token of a prompt and for each generated one, nothing is sampled. Positions that were
// measured are computed again by the next repetition. The model and the device outlive it.
class BenchRun {
 public:
  // Errors: a case that does not fit the model's context, values below their least (prompt + generate, sequences,
  // repetitions, chunk: 1; chunk: more than `beside`), cancelled.
  static Result<BenchRun> prepare(Model& model, const Device& device, const BenchCase& test,
                                  const BenchOptions& options);
  BenchRun(BenchRun&&) noexcept;
  ~BenchRun();

  Result<void> warm_up();                    // touches everything once, unmeasured
  Result<void> repeat();                     // one repetition
  [[nodiscard]] BenchResult result() const;  // of the repetitions so far
  [[nodiscard]] BenchResult last() const;    // of the last one alone

 private:
  class Work;
  explicit BenchRun(std::unique_ptr<Work> work);
  std::unique_ptr<Work> work_;
  std::vector<double> seconds_;
};

// A warm-up where one is wanted, and all repetitions.
Result<BenchResult> run_bench(Model& model, const Device& device, const BenchCase& test, const BenchOptions& options);

}  // namespace mang
