// Every family against transformers in float32: `exact` arithmetic on the same weights gives the same distribution and
// the same greedy continuation, from the checkpoint and from the GGUF file that llama.cpp's converter made of it.
#include "support/golden.h"

#include <doctest/doctest.h>

#include "support/run_model.h"

namespace mang::test {
namespace {

void check_parity(const Golden& golden, const std::string& path) {
  CAPTURE(path);
  Machine machine;
  std::vector<std::string> warnings;
  const auto model = load_for_test(path, machine.device, [&](const Error& m) { warnings.push_back(m.message); });
  CHECK_MESSAGE(warnings.empty(), (warnings.empty() ? "" : warnings[0]));
  REQUIRE(model->info().vocab == golden.vocab);

  const std::vector<float> ours = logits_of(*model, machine.device, golden.ids, {.arithmetic = Arithmetic::exact});
  const Distance far = distance(golden.logits, ours, golden.vocab);
  MESSAGE(fmt::format("{} ({}): mean KLD {:.1e}, max |Δlogit| {:.1e} σ", golden.name,
                      path == golden.gguf ? "GGUF" : "safetensors", far.mean_kld, far.max_delta / far.deviation));
  CHECK(far.mean_kld <= 1e-6);
  CHECK(far.max_delta <= 1e-3 * far.deviation);
  CHECK(greedy_of(*model, machine.device, golden.ids, golden.greedy.size(), {}) == golden.greedy);
}

TEST_CASE("exact arithmetic agrees with transformers: safetensors") {
  for (const Golden& golden : all_goldens()) check_parity(golden, golden.directory);
}

TEST_CASE("exact arithmetic agrees with transformers: GGUF") {
  size_t files = 0;
  for (const Golden& golden : all_goldens()) {
    if (golden.gguf.empty()) continue;
    check_parity(golden, golden.gguf);
    ++files;
  }
  CHECK(files >= 20);
}

// The default arithmetic on float weights differs from `exact` only in the cache's type.
TEST_CASE("default arithmetic stays close to transformers") {
  for (const Golden& golden : all_goldens()) {
    CAPTURE(golden.name);
    Machine machine;
    const auto model = load_for_test(golden.directory, machine.device);
    const std::vector<float> ours =
        logits_of(*model, machine.device, golden.ids, {.arithmetic = Arithmetic::quantized, .kv = KvType::f16});
    CHECK(distance(golden.logits, ours, golden.vocab).mean_kld <= 1e-4);
  }
}

}  // namespace
}  // namespace mang::test
