// Time of choosing one token, by vocabulary and parameters.    usage: bench_sampler [ISA]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "engine/sampler.h"
#include "kernels/isa.h"

namespace {

using namespace mang;
using Clock = std::chrono::steady_clock;

// As a model's: a few likely tokens over a wide floor. Flat: as before any training, the worst case for top_p.
std::vector<float> make_logits(int64_t vocab, bool flat) {
  std::mt19937 random(1);
  std::normal_distribution<float> floor(0, flat ? 0.1f : 3.0f);
  std::normal_distribution<float> likely(14, 0.5f);
  std::vector<float> logits(static_cast<size_t>(vocab));
  for (float& l : logits) l = floor(random);
  if (!flat) {
    for (int i = 0; i < 20; ++i) logits[random() % logits.size()] = likely(random);
  }
  return logits;
}

// Median of microseconds.
double measure(const Device& device, const SamplingParams& params, const std::vector<float>& logits) {
  Sampler sampler(params, static_cast<int64_t>(logits.size()));
  std::vector<double> times;
  for (int i = 0; i < 101; ++i) {
    std::vector<float> work = logits;
    const auto start = Clock::now();
    const auto token = sampler.sample(device, work, i);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    if (!token.ok()) return -1;
  }
  std::nth_element(times.begin(), times.begin() + 50, times.end());
  return times[50];
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Isa> isa = argc > 1 ? isa_from_name(argv[1]) : best_isa();
  if (!isa || !isa_available(*isa)) {
    fmt::print(stderr, "bench_sampler: this machine does not run '{}'.\n", argv[1]);
    return 1;
  }
  ThreadPool pool(1);
  const Device device(pool, *isa);
  const std::pair<const char*, SamplingParams> cases[] = {
      {"greedy", {}},
      {"greedy, 5 logprobs", {.logprobs = 5}},
      {"T 0.7, top_k 20, top_p 0.8", {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f}},
      {"T 1, min_p 0.05", {.temperature = 1, .min_p = 0.05f}},
      {"T 0.7, top_p 0.9", {.temperature = 0.7f, .top_p = 0.9f}},
      {"T 1", {.temperature = 1}},
  };
  fmt::print("µs a token, median of 101, {}\n{:28}{:>10}{:>10}{:>10}\n", isa_name(*isa), "", 49'152, 151'936, 262'144);
  for (const bool flat : {false, true}) {
    for (const auto& [name, params] : cases) {
      fmt::print("{:28}", std::string(name) + (flat ? ", flat" : ""));
      for (const int64_t vocab : {49'152, 151'936, 262'144}) {
        fmt::print("{:10.1f}", measure(device, params, make_logits(vocab, flat)));
      }
      fmt::print("\n");
    }
  }
}
