#include "kernels/elementwise.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/math.h"
#include "kernels/reference/elementwise.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"
#include "kernels/support.h"

using namespace mang;
using test::first_difference;

namespace {

// Sizes around the vector's 16 lanes, and long enough to be split over threads.
const std::vector<int64_t> kSizes = {1, 7, 15, 16, 17, 31, 33, 64, 100, 576, 1003, 9000};

// Rows as they lie in a larger matrix: ld > D, and what is between the rows must stay.
struct Rows {
  int64_t M, D, ld;
  std::vector<float> data;

  Rows(test::Random& random, int64_t m, int64_t d, int64_t gap)
      : M(m), D(d), ld(d + gap), data(random.normals(m * ld, 3)) {}
  float* row(int64_t m) { return data.data() + m * ld; }
};

}  // namespace

TEST_CASE("gates are their definitions on every instruction set") {
  test::Random random(11);
  for (const GateFunction f : {GateFunction::silu, GateFunction::gelu_tanh}) {
    for (const int64_t D : kSizes) {
      std::vector<float> gate = random.normals(D, 3);
      const std::vector<float> up = random.normals(D, 3);
      if (D > 16) {
        gate[3] = 1000;
        gate[4] = -1000;
        gate[5] = std::numeric_limits<float>::infinity();
        gate[6] = std::numeric_limits<float>::quiet_NaN();
      }
      std::vector<float> expected = gate;
      reference::gate_mul(f, expected.data(), up.data(), D);
      for (const Isa isa : available_isas()) {
        CAPTURE(std::string(isa_name(isa)));
        const cpu::ElementwiseKernels& kernels = *cpu::kernels_of(isa).elementwise;
        std::vector<float> actual = gate;
        (f == GateFunction::silu ? kernels.silu_mul : kernels.gelu_mul)(actual.data(), up.data(), D);
        CHECK(first_difference(actual, expected) == -1);
      }
    }
  }
}

TEST_CASE("gate functions are what their names say") {
  const std::vector<float> points = {-8, -3, -1, -0.1f, 0, 0.1f, 0.5f, 1, 2, 5, 30};
  for (const float x : points) {
    float silu = x;
    float gelu = x;
    const float one = 1;
    reference::gate_mul(GateFunction::silu, &silu, &one, 1);
    reference::gate_mul(GateFunction::gelu_tanh, &gelu, &one, 1);
    const double wide = static_cast<double>(x);
    CHECK(std::fabs(static_cast<double>(silu) - wide / (1 + std::exp(-wide))) < 1e-6 * (1 + std::fabs(wide)));
    const double inner = std::sqrt(2 / M_PI) * (wide + 0.044715 * wide * wide * wide);
    CHECK(std::fabs(static_cast<double>(gelu) - 0.5 * wide * (1 + std::tanh(inner))) < 1e-6 * (1 + std::fabs(wide)));
  }
}

TEST_CASE("add, add_bias, scale and soft_cap are their definitions") {
  test::Random random(12);
  for (const int64_t D : kSizes) {
    const int64_t M = 3;
    const std::vector<float> x = random.normals(M * D, 10);
    const std::vector<float> y = random.normals(M * D);
    std::vector<float> sum = x;
    std::vector<float> scaled = x;
    std::vector<float> capped = x;
    reference::add(sum.data(), y.data(), M * D);
    reference::scale(scaled.data(), 0.3f, M * D);
    reference::soft_cap(capped.data(), 30, M * D);
    Rows biased(random, M, D, 3);
    Rows biased_expected = biased;
    for (int64_t m = 0; m < M; ++m) reference::add(biased_expected.row(m), y.data(), D);
    test::on_every_device([&](const Device& device) {
      std::vector<float> actual = x;
      add(device, actual.data(), y.data(), M, D);
      CHECK(first_difference(actual, sum) == -1);
      actual = x;
      scale(device, actual.data(), 0.3f, M, D);
      CHECK(first_difference(actual, scaled) == -1);
      actual = x;
      soft_cap(device, actual.data(), 30, M, D);
      CHECK(first_difference(actual, capped) == -1);
      Rows with_bias = biased;
      add_bias(device, with_bias.data.data(), with_bias.ld, y.data(), M, D);
      CHECK(first_difference(with_bias.data, biased_expected.data) == -1);
    });
  }
}

TEST_CASE("rms_norm is its definition, in place and into strided rows") {
  test::Random random(13);
  for (const int64_t D : kSizes) {
    Rows x(random, 4, D, 9);
    const std::vector<float> weight = random.normals(D);
    Rows expected = x;
    for (int64_t m = 0; m < 4; ++m) reference::rms_norm(x.row(m), weight.data(), 1e-6f, D, expected.row(m));
    // The definition itself, against double precision.
    double squares = 0;
    for (int64_t i = 0; i < D; ++i) squares += static_cast<double>(x.row(0)[i]) * static_cast<double>(x.row(0)[i]);
    const double r = 1 / std::sqrt(squares / static_cast<double>(D) + 1e-6);
    for (int64_t i = 0; i < D; ++i) {
      const double exact = static_cast<double>(x.row(0)[i]) * r * static_cast<double>(weight[static_cast<size_t>(i)]);
      REQUIRE(std::fabs(static_cast<double>(expected.row(0)[i]) - exact) <= 1e-6 * std::fabs(exact));
    }
    test::on_every_device([&](const Device& device) {
      Rows actual = x;
      rms_norm(device, actual.data.data(), actual.ld, weight.data(), 1e-6f, 4, D, actual.data.data(), actual.ld);
      CHECK(first_difference(actual.data, expected.data) == -1);
    });
  }
}

TEST_CASE("rope is its definition; elements past the rotary part stay") {
  test::Random random(14);
  struct Case {
    int64_t heads, head_dim, rotary_dim;
  };
  for (const auto& [heads, head_dim, rotary_dim] :
       std::vector<Case>{{1, 16, 16}, {3, 64, 64}, {2, 80, 80}, {4, 128, 32}, {1, 10, 6}, {2, 256, 256}}) {
    std::vector<float> frequencies;
    for (int64_t i = 0; i < rotary_dim / 2; ++i) {
      frequencies.push_back(
          static_cast<float>(pow_f64(10000, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim))));
    }
    RopeTable table(frequencies, 1.25f);
    table.reserve(10);
    table.reserve(5000);  // grows without changing what was there
    const std::vector<int64_t> positions = {0, 4999, 7, 8, 8, 1234, 1};
    const auto M = static_cast<int64_t>(positions.size());
    Rows x(random, M, heads * head_dim, 6);
    Rows expected = x;
    for (int64_t m = 0; m < M; ++m) {
      const float* row = table.at(positions[static_cast<size_t>(m)]);
      reference::rope(row, row + rotary_dim / 2, rotary_dim, heads, head_dim, expected.row(m));
    }
    test::on_every_device([&](const Device& device) {
      Rows actual = x;
      rope(device, table, positions.data(), M, heads, head_dim, actual.data.data(), actual.ld);
      CHECK(first_difference(actual.data, expected.data) == -1);
    });
  }
}

TEST_CASE("rope tables hold the rounded cosine and sine of the float32 angle") {
  const std::vector<float> frequencies = {1.0f, 0.1f, 1e-4f};
  RopeTable table(frequencies, 1.0f);
  table.reserve(100000);
  for (int64_t p = 0; p < 100000; p += 37) {
    for (size_t i = 0; i < 3; ++i) {
      const float angle = static_cast<float>(p) * frequencies[i];
      REQUIRE(table.at(p)[i] == static_cast<float>(cosl(static_cast<long double>(angle))));
      REQUIRE(table.at(p)[3 + i] == static_cast<float>(sinl(static_cast<long double>(angle))));
    }
  }
}

TEST_CASE("a row's result does not depend on the rows beside it") {
  test::Random random(15);
  const int64_t M = 64;
  const int64_t D = 200;
  const std::vector<float> x = random.normals(M * D);
  const std::vector<float> weight = random.normals(D);
  test::on_every_device([&](const Device& device) {
    std::vector<float> together(x.size());
    std::vector<float> alone(x.size());
    rms_norm(device, x.data(), D, weight.data(), 1e-5f, M, D, together.data(), D);
    for (int64_t m = 0; m < M; ++m) {
      rms_norm(device, x.data() + m * D, D, weight.data(), 1e-5f, 1, D, alone.data() + m * D, D);
    }
    CHECK(first_difference(together, alone) == -1);
  });
}
