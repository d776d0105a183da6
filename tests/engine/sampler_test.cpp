#include "engine/sampler.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/thread_pool.h"
#include "engine/reference_sampler.h"
#include "kernels/isa.h"

namespace mang {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

ThreadPool& pool() {
  static ThreadPool threads(1);
  return threads;
}

// Logits as models give them, and as they do not: peaked, flat, with equal values, with banned tokens.
std::vector<float> random_logits(std::mt19937& random, int64_t vocab) {
  const float spread = std::vector<float>{0.01f, 1, 3, 10, 60}[random() % 5];
  const bool coarse = random() % 3 == 0;  // many ties
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(static_cast<size_t>(vocab));
  for (float& l : logits) {
    l = normal(random);
    if (coarse) l = std::round(l);
    if (random() % 50 == 0) l = -kInfinity;
  }
  logits[random() % logits.size()] = 0;  // never all banned
  return logits;
}

SamplingParams random_params(std::mt19937& random, int64_t vocab) {
  const auto pick = [&](std::vector<float> of) { return of[random() % of.size()]; };
  SamplingParams p;
  p.temperature = pick({0, 0.1f, 0.7f, 1, 1.5f, 10, 1e-30f});
  p.top_k = static_cast<int32_t>(pick({0, 0, 1, 2, 20, 40, 1000, static_cast<float>(vocab)}));
  p.top_p = pick({1, 1, 0, 0.1f, 0.5f, 0.9f, 0.95f, 0.9999f});
  p.min_p = pick({0, 0, 0.05f, 0.5f, 1});
  p.repetition_penalty = pick({1, 1, 1.1f, 2, 0.5f});
  p.presence_penalty = pick({0, 0, 0.5f, -1});
  p.frequency_penalty = pick({0, 0, 0.3f, -0.2f});
  if (vocab > 2 && random() % 3 == 0) p.logit_bias = {{0, 5.0f}, {static_cast<int32_t>(vocab - 1), -kInfinity}};
  p.seed = random();
  return p;
}

TEST_CASE("the sampler is its plain definition, on every instruction set") {
  std::mt19937 random(7);
  for (const Isa isa : available_isas()) {
    const Device device(pool(), isa);
    for (int round = 0; round < 400; ++round) {
      const int64_t vocab = std::vector<int64_t>{1, 2, 17, 128, 129, 1000, 5003}[random() % 7];
      const SamplingParams params = vocab == 1 ? SamplingParams{} : random_params(random, vocab);
      REQUIRE(validate(params, vocab).ok());
      Sampler sampler(params, vocab);
      ReferenceSampler reference{params, {}, {}};
      for (int i = 0; i < 20; ++i) reference.prompt.push_back(static_cast<int32_t>(random() % vocab));
      sampler.accept_prompt(reference.prompt);
      for (int step = 0; step < 5; ++step) {
        const std::vector<float> logits = random_logits(random, vocab);
        std::vector<float> work = logits;
        const int32_t id = sampler.sample(device, work, 20 + step).value().id;
        REQUIRE(id == reference.sample(logits, 20 + step));
        sampler.accept(id);
        reference.answer.push_back(id);
      }
    }
  }
}

TEST_CASE("greedy takes the lowest id of equal logits, wherever they are") {
  const Device device(pool(), best_isa());
  for (const int64_t vocab : {1, 15, 16, 127, 128, 129, 300}) {
    for (int64_t first = 0; first < vocab; ++first) {
      std::vector<float> logits(static_cast<size_t>(vocab), -1);
      logits[first] = 2;
      logits[vocab - 1] = 2;
      REQUIRE(Sampler({}, vocab).sample(device, logits, 0).value().id == first);
    }
  }
  std::vector<float> zeros = {-0.0f, 0.0f};
  CHECK(Sampler({}, 2).sample(device, zeros, 0).value().id == 0);
}

TEST_CASE("NaN and infinite logits are errors that name the token; banning everything is one too") {
  const Device device(pool(), best_isa());
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
    for (const size_t at : {size_t{0}, size_t{127}, size_t{128}, size_t{299}}) {
      for (const float temperature : {0.0f, 1.0f}) {
        std::vector<float> logits(300, 1);
        logits[at] = bad;
        const auto result = Sampler({.temperature = temperature}, 300).sample(device, logits, 0);
        REQUIRE(!result.ok());
        CHECK(result.error().message.find(fmt::format("token {}:", at)) != std::string::npos);
      }
    }
  }
  std::vector<float> logits = {-kInfinity, 1};
  CHECK(!Sampler({.logit_bias = {{1, -kInfinity}}}, 2).sample(device, logits, 0).ok());
}

TEST_CASE("draws follow the distribution") {
  const Device device(pool(), best_isa());
  const std::vector<float> logits = {0, std::log(2.0f), std::log(5.0f), -kInfinity, std::log(2.0f)};  // 1 2 5 0 2
  std::vector<int> counts(5);
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<float> work = logits;
    ++counts[Sampler({.temperature = 1, .seed = 3}, 5).sample(device, work, i).value().id];
  }
  for (size_t id = 0; id < 5; ++id) {
    const double p = std::vector<double>{0.1, 0.2, 0.5, 0, 0.2}[id];
    const double sigma = std::sqrt(kDraws * p * (1 - p));
    CHECK(std::abs(counts[id] - kDraws * p) <= 4 * sigma);
  }
}

TEST_CASE("a draw depends on logits, seed and position alone") {
  const Device device(pool(), best_isa());
  std::mt19937 random(11);
  const std::vector<float> logits(1000, 0.5f);
  const auto draw = [&](uint64_t seed, int64_t position, int before) {
    Sampler sampler({.temperature = 1, .seed = seed}, 1000);
    for (int i = 0; i < before; ++i) {
      std::vector<float> other = random_logits(random, 1000);
      CHECK(sampler.sample(device, other, i).ok());
    }
    std::vector<float> work = logits;
    return sampler.sample(device, work, position).value().id;
  };
  CHECK(draw(1, 50, 0) == draw(1, 50, 7));
  int same = 0;
  for (int i = 0; i < 100; ++i) same += draw(1, i, 0) == draw(2, i, 0);
  CHECK(same < 5);
}

TEST_CASE("Philox4x32-10 gives its authors' known answers") {  // Random123, kat_vectors: counter high words 0
  CHECK(random_bits(0, 0) == 0xe169c58d6627e8d5);
}

TEST_CASE("log probabilities are the model's own, before penalties") {
  const Device device(pool(), best_isa());
  std::vector<float> logits = {1, 2, 3, 3, -kInfinity};
  double sum = 0;
  for (const float l : logits) sum += std::exp(l);
  SamplingParams params{.repetition_penalty = 5, .logit_bias = {{0, 100.0f}}, .logprobs = 3};
  Sampler sampler(params, 5);
  sampler.accept_prompt(std::vector<int32_t>{0, 2});
  const SampledToken token = sampler.sample(device, logits, 2).value();
  CHECK(token.id == 0);
  CHECK(std::abs(token.logprob - (1 - std::log(sum))) < 1e-6);
  REQUIRE(token.top.size() == 3);
  CHECK(token.top[0].id == 2);
  CHECK(token.top[1].id == 3);
  CHECK(token.top[2].id == 1);
  for (const TokenLogprob& top : token.top) {
    const double l = top.id == 1 ? 2 : 3;
    CHECK(std::abs(top.logprob - (l - std::log(sum))) < 1e-6);
  }
}

TEST_CASE("log_sum_exp against long double") {
  const Device device(pool(), best_isa());
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    const std::vector<float> logits = random_logits(random, 4999);
    long double sum = 0;
    for (const float l : logits) sum += std::exp(static_cast<long double>(l));
    CHECK(std::abs(log_sum_exp(device, logits) - static_cast<double>(std::log(sum))) < 1e-6);
  }
  const std::vector<float> bad = {1, std::numeric_limits<float>::quiet_NaN()};
  CHECK(std::isnan(log_sum_exp(device, bad)));
}

TEST_CASE("parameters out of range are refused, each with its name") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](const SamplingParams& params, std::string_view name) {
    const auto result = validate(params, 1000);
    return !result.ok() && result.error().message.find(name) != std::string::npos;
  };
  for (const float bad : {nan, kInfinity, -kInfinity, -1.0f, 1e30f}) {
    CHECK(refused({.temperature = bad}, "temperature"));
    CHECK(refused({.top_p = bad}, "top_p"));
    CHECK(refused({.min_p = bad}, "min_p"));
    CHECK(refused({.repetition_penalty = bad}, "repetition_penalty"));
  }
  CHECK(refused({.repetition_penalty = 0}, "repetition_penalty"));
  for (const float bad : {nan, kInfinity, -kInfinity, 101.0f}) {
    CHECK(refused({.presence_penalty = bad}, "presence_penalty"));
    CHECK(refused({.frequency_penalty = bad}, "frequency_penalty"));
  }
  CHECK(refused({.top_k = -1}, "top_k"));
  CHECK(refused({.logit_bias = {{1000, 1.0f}}}, "1000"));
  CHECK(refused({.logit_bias = {{-1, 1.0f}}}, "-1"));
  CHECK(refused({.logit_bias = {{1, nan}}}, "logit_bias"));
  CHECK(refused({.logit_bias = {{1, kInfinity}}}, "logit_bias"));
  CHECK(refused({.logit_bias = {{1, 1.0f}, {1, 2.0f}}}, "twice"));
  CHECK(refused({.logit_bias = std::vector<std::pair<int32_t, float>>(100'000)}, "100000"));
  CHECK(refused({.stop = {""}}, "empty"));
  CHECK(refused({.stop = {std::string(5000, 'a')}}, "5000"));
  CHECK(refused({.stop = std::vector<std::string>(65, "a")}, "65"));
  CHECK(refused({.stop = {"\xff"}}, "UTF-8"));
  CHECK(refused({.stop_ids = {1000}}, "1000"));
  CHECK(refused({.max_tokens = -1}, "max_tokens"));
  CHECK(refused({.logprobs = -1}, "logprobs"));
  CHECK(refused({.logprobs = 129}, "logprobs"));
  CHECK(validate({}, 1000).ok());
  CHECK(validate({.temperature = 100, .top_k = INT32_MAX, .top_p = 0, .min_p = 1, .max_tokens = 0}, 1000).ok());
}

}  // namespace
}  // namespace mang
