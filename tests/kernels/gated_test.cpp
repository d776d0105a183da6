// Two products and their gate in one pass: on every instruction set and thread count the bits of the plain definitions,
// one after the other.
#include "kernels/gated.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kernels/reference/elementwise.h"
#include "kernels/reference/matmul.h"
#include "kernels/support.h"
#include "support/scale.h"
#include "support/tiny_llama.h"

using namespace mang;
using test::first_difference;

namespace {

struct Matrix {
  DType type;
  int64_t rows, cols;
  std::string stored;
  PackedMatrix packed;

  Matrix(DType t, int64_t r, int64_t c, std::mt19937& rng)
      : type(t), rows(r), cols(c), stored(test::random_rows(t, r, c, 1.6f / std::sqrt(static_cast<float>(c)), rng)) {
    ThreadPool pool(1);
    const Device device(pool, Isa::generic);
    packed = PackedMatrix::allocate(t, r, c);
    REQUIRE(pack_rows(device, std::as_bytes(std::span(stored)), r, 0, {}, packed));
  }

  // x: [M, cols] → [M, rows]
  [[nodiscard]] std::vector<float> times(Arithmetic arithmetic, const std::vector<float>& x, int64_t M,
                                         const std::vector<float>& bias) const {
    std::vector<float> out(static_cast<size_t>(M * rows));
    reference::matmul(arithmetic, type, std::as_bytes(std::span(stored)).data(), rows, cols, x.data(), M, out.data());
    for (size_t i = 0; i < out.size() && !bias.empty(); ++i) out[i] += bias[i % static_cast<size_t>(rows)];
    return out;
  }
};

void check(Arithmetic arithmetic, DType gate_type, DType up_type, int64_t D, int64_t F, int64_t M, bool biased) {
  CAPTURE(dtype_name(gate_type));
  CAPTURE(F);
  CAPTURE(M);
  std::mt19937 rng(5);
  const Matrix gate(gate_type, F, D, rng);
  const Matrix up(up_type, F, D, rng);
  test::Random random(static_cast<uint64_t>(M));
  const std::vector<float> x = random.normals(M * D);
  const std::vector<float> gate_bias = random.normals(biased ? F : 0);
  const std::vector<float> up_bias = random.normals(biased ? F : 0);
  const GateFunction f = M % 2 == 0 ? GateFunction::gelu_tanh : GateFunction::silu;
  std::vector<float> expected = gate.times(arithmetic, x, M, gate_bias);
  const std::vector<float> beside = up.times(arithmetic, x, M, up_bias);
  reference::gate_mul(f, expected.data(), beside.data(), M * F);
  const GatedMatrices both = {&gate.packed, &up.packed, biased ? gate_bias.data() : nullptr,
                              biased ? up_bias.data() : nullptr};
  test::on_every_device([&](const Device& device) {
    std::vector<float> got(expected.size());
    gated_matmul(device, arithmetic, f, both, x.data(), M, got.data());
    CHECK(first_difference(got, expected) == -1);
  });
}

TEST_CASE("a gated product is its parts: any number of tokens, of rows, of types") {
  for (const int64_t M : test::reduced<std::vector<int64_t>>({1, 2, 7, 40, 65, 200}, {1, 9, 70})) {
    check(Arithmetic::quantized, DType::Q4_K, DType::Q4_K, 256, 512, M, false);
    check(Arithmetic::quantized, DType::Q5_0, DType::Q6_K, 256, 100, M, true);
  }
  check(Arithmetic::quantized, DType::BF16, DType::F16, 40, 36, 9, true);
  check(Arithmetic::exact, DType::Q4_1, DType::Q8_0, 96, 50, 11, true);
}

TEST_CASE("a gated product of few rows splits the tokens") {
  check(Arithmetic::quantized, DType::Q4_0, DType::Q4_0, 64, 32, 300, false);
  check(Arithmetic::quantized, DType::Q8_0, DType::Q4_K, 256, 20, 150, true);
}

TEST_CASE("no tokens: nothing happens") {
  ThreadPool pool(1);
  gated_matmul(Device(pool, Isa::generic), Arithmetic::quantized, GateFunction::silu, {}, nullptr, 0, nullptr);
}

}  // namespace
