#include "engine/speed_estimate.h"

#include <doctest/doctest.h>

namespace mang {
namespace {

// Qwen2.5 1.5B: an untied head in the file.
ModelInfo qwen() {
  ModelInfo info;
  info.layers = 28;
  info.hidden = 1536;
  info.heads = 12;
  info.kv_heads = 2;
  info.head_dim = 128;
  info.intermediate = 8960;
  info.vocab = 151936;
  info.parameters = 1'777'000'000;
  return info;
}

ProbeResult machine(double bandwidth, double int8, double f32) {
  ProbeResult out;
  out.read_in_steps_bytes_per_second = bandwidth;
  out.int8_macs_per_second = int8;
  out.f32_macs_per_second = f32;
  return out;
}

TEST_CASE("decode is the weights over the bandwidth, and less with what is remembered") {
  const TokenWork work = token_work(qwen(), 1.117e9, 28 * 2 * 2 * 128 * 2);
  CHECK(work.weight_bytes == doctest::Approx(1.117e9 * 0.869).epsilon(0.01));  // the embedding is looked up
  CHECK(work.prompt_macs == doctest::Approx(1.31e9).epsilon(0.01));
  const ProbeResult quiet = machine(29e9, 8.9e11, 2.2e11);
  const SpeedEstimate empty = estimate_speed(work, quiet, 0), deep = estimate_speed(work, quiet, 4096);
  CHECK(empty.decode.likely == doctest::Approx(29e9 * 0.85 / work.weight_bytes));
  CHECK(deep.decode.likely < empty.decode.likely);
  CHECK(empty.decode.low < empty.decode.likely);
  CHECK(empty.decode.likely < empty.decode.high);
  CHECK(estimate_speed(work, machine(58e9, 8.9e11, 2.2e11), 0).decode.likely ==
        doctest::Approx(2 * empty.decode.likely));
}

TEST_CASE("of a mixture of experts a token takes the experts it goes to") {
  ModelInfo info;  // the shape of Qwen3-30B-A3B
  info.layers = info.sparse_layers = 48;
  info.hidden = 2048;
  info.intermediate = 6144;
  info.heads = 32;
  info.kv_heads = 4;
  info.head_dim = 128;
  info.vocab = 151936;
  info.experts = 128;
  info.experts_used = 8;
  info.expert_intermediate = 768;
  info.parameters = 30'532'000'000;
  const TokenWork work = token_work(info, 17.2e9, 0);
  CHECK(work.prompt_macs == doctest::Approx(2.73e9).epsilon(0.01));
  CHECK(work.weight_bytes == doctest::Approx(17.2e9 * 3.04 / 30.53).epsilon(0.01));
  info.sparse_layers = 47;  // one dense layer
  CHECK(token_work(info, 17.2e9, 0).prompt_macs == doctest::Approx(work.prompt_macs - 262144));
}

TEST_CASE("prefill follows the integer peak until unpacking is what takes the time") {
  const TokenWork work = token_work(qwen(), 1.117e9, 0);
  const double vnni = estimate_speed(work, machine(29e9, 8.9e11, 2.2e11), 0).prefill.likely;
  CHECK(vnni == doctest::Approx(214).epsilon(0.25));  // measured, docs/measurements.md
  CHECK(estimate_speed(work, machine(29e9, 4e11, 2.2e11), 0).prefill.likely < vnni);
  CHECK(estimate_speed(work, machine(29e9, 9e12, 2.2e11), 0).prefill.likely < 1.2 * vnni);
}

TEST_CASE("a probe that found nothing predicts nothing") {
  const SpeedEstimate none = estimate_speed(token_work(qwen(), 1e9, 0), ProbeResult{}, 0);
  CHECK(none.decode.likely == 0);
  CHECK(none.prefill.likely == 0);
}

}  // namespace
}  // namespace mang
