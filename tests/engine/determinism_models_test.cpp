// Sameness, proved on real forwards of tiny models on every instruction set; and that the proof would notice: kernels
// that are wrong as kernels are wrong in practice (another order of a sum, a sum split along k, a product fused into an
// addition that was not meant to be) are put in for one number of threads on one instruction set.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/determinism.h"
#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "support/golden.h"
#include "support/run_model.h"
#include "support/scale.h"
#include "support/temp_dir.h"
#include "support/tiny_llama.h"

namespace mang::test {
namespace {

constexpr int kMutatedThreads = 8;

// Reordered: Σ x² in one chain, not in 16 lanes that are folded.
void rms_norm_in_one_chain(const float* x, const float* weight, float epsilon, int64_t D, float* y) {
  float sum = 0;
  for (int64_t i = 0; i < D; ++i) sum = std::fma(x[i], x[i], sum);
  const float r = 1.0f / std::sqrt(sum / static_cast<float>(D) + epsilon);
  for (int64_t i = 0; i < D; ++i) y[i] = x[i] * r * weight[i];
}

// Contracted: of a·c − b·s a compiler that may contract fuses either product; the definition fuses the first.
void rope_contracted(const float* cos, const float* sin, int64_t half, int64_t heads, int64_t head_dim, float* x) {
  for (int64_t h = 0; h < heads; ++h, x += head_dim) {
    for (int64_t i = 0; i < half; ++i) {
      const float a = x[i];
      const float b = x[i + half];
      x[i] = std::fma(-b, sin[i], a * cos[i]);
      x[i + half] = std::fma(a, sin[i], b * cos[i]);
    }
  }
}

// Split: the two halves of k, each summed as defined, are added.
void gemm_float_split(const cpu::WeightTiles& w, const cpu::InputGroup* groups, int group_count, uint8_t* scratch) {
  const auto plain = cpu::kernels_of(best_isa()).matmul->gemm_float;
  REQUIRE(w.dtype == DType::F32);
  const int64_t half = w.cols / 2;
  const int64_t tile_bytes = w.cols * kTileRows * 4;  // [k][16] float32
  for (int t = 0; t < w.tiles; ++t) {
    cpu::WeightTiles part = w;
    part.tiles = 1;
    part.rows = std::min(kTileRows, w.rows - t * kTileRows);
    for (int g = 0; g < group_count; ++g) {
      cpu::InputGroup input = groups[g];
      input.y += t * kTileRows;
      part.data = w.data + t * tile_bytes;
      part.cols = half;
      plain(part, &input, 1, scratch);
      std::vector<float> rest(static_cast<size_t>(input.tokens * kTileRows));
      part.data += half * kTileRows * 4;
      part.cols = w.cols - half;
      input.x += half * input.tokens;
      input.y = rest.data();
      input.ldy = kTileRows;
      plain(part, &input, 1, scratch);
      for (int token = 0; token < input.tokens; ++token) {
        float* y = groups[g].y + token * groups[g].ldy + t * kTileRows;
        for (int row = 0; row < part.rows; ++row) y[row] += rest[static_cast<size_t>(token * kTileRows + row)];
      }
    }
  }
}

struct Mutant {
  std::string name;
  cpu::ElementwiseKernels elementwise = *cpu::kernels_of(best_isa()).elementwise;
  cpu::MatmulKernels matmul = *cpu::kernels_of(best_isa()).matmul;
  [[nodiscard]] cpu::Kernels kernels() const {
    cpu::Kernels out = cpu::kernels_of(best_isa());
    out.elementwise = &elementwise;
    out.matmul = &matmul;
    return out;
  }
};

std::vector<Mutant> mutants() {
  std::vector<Mutant> out(3);
  out[0].name = "reordered reduction";
  out[0].elementwise.rms_norm = rms_norm_in_one_chain;
  out[1].name = "contracted multiply-add";
  out[1].elementwise.rope = rope_contracted;
  out[2].name = "sum split along k";
  out[2].matmul.gemm_float = gemm_float_split;
  return out;
}

DeterminismOptions few(int64_t prompts) {
  DeterminismOptions options;
  options.prompts = reduced<int64_t>(prompts, 1);
  options.answer_tokens = reduced<int64_t>(24, 12);
  if (kSanitized) options.isas = {best_isa()};  // the kernels of all have tests of their own
  return options;
}

void check_same(const std::string& path, int64_t prompts) {
  CAPTURE(path);
  Machine machine;
  const auto model = load_for_test(path, machine.device);
  const auto report = check_determinism(*model, few(prompts));
  REQUIRE_MESSAGE(report.ok(), (report.ok() ? "" : report.error().message));
  CHECK(report->different == 0);
  if (report->first) FAIL_CHECK(report->first->way.name());
  CHECK(report->answers == (static_cast<int64_t>(report->ways.size()) - report->plain_ways) * few(prompts).prompts * 2);
  CHECK(report->cached_tokens > 0);
  CHECK(report->accepted_drafts > 0);
  CHECK(report->rejected_drafts > 0);
  MESSAGE(report->ways.size() << " ways, " << report->answers << " answers, " << report->accepted_drafts << " + "
                              << report->rejected_drafts << " drafts, " << report->preemptions << " preemptions, "
                              << report->seconds << " s, " << report->sha256);
}

TEST_CASE("tiny models answer the same in every way, on every instruction set of this machine") {
  check_same(golden("qwen2/tied-gqa").directory, static_cast<int64_t>(scale(3, 1000)));
  TempDir dir;
  const std::string quantized = dir.file("model.gguf");
  tiny_quantized().write(quantized);
  check_same(quantized, static_cast<int64_t>(scale(2, 1000)));
}

TEST_CASE("a wrong kernel in one of the ways is noticed, and told with the way it was in") {
  TempDir dir;
  const std::string path = dir.file("model.gguf");
  TinyLlama().write(path);
  Machine machine;
  const auto model = load_for_test(path, machine.device);
  DeterminismOptions options = few(1);
  options.answer_tokens = 8;
  options.isas = {Isa::generic, best_isa()};
  if (best_isa() == Isa::generic || kSanitized) options.isas = {best_isa()};
  options.kv_types = {KvType::f32};
  CHECK(check_determinism(*model, options).value().different == 0);
  for (const Mutant& mutant : mutants()) {
    CAPTURE(mutant.name);
    const cpu::Kernels kernels = mutant.kernels();
    int64_t mutated = 0;
    options.make_device = [&](ThreadPool& pool, Isa isa) {
      if (isa != best_isa() || pool.size() != kMutatedThreads) return std::make_unique<Device>(pool, isa);
      ++mutated;
      return std::make_unique<Device>(pool, isa, kernels);
    };
    const DeterminismReport report = check_determinism(*model, options).value();
    CHECK(mutated > 0);
    CHECK(report.different > 0);
    CHECK(report.different <= mutated * 2);  // nowhere else
    REQUIRE(report.first.has_value());
    CHECK(report.first->way.threads == kMutatedThreads);
    CHECK(report.first->way.isa == best_isa());

    // They are wrong as kernels are wrong in practice: in the last bits.
    Machine right(2, best_isa());
    ThreadPool pool(2);
    const Device wrong(pool, best_isa(), kernels);
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < 40; ++i) ids.push_back(i * 7 % 40);
    const std::vector<float> want = logits_of(*model, right.device, ids, {Arithmetic::quantized, KvType::f32, 0});
    const std::vector<float> got = logits_of(*model, wrong, ids, {Arithmetic::quantized, KvType::f32, 0});
    CHECK(want != got);
    CHECK(distance(want, got, 40).mean_kld < 1e-9);
  }
}

}  // namespace
}  // namespace mang::test
