// The mixture of experts: every instruction set, thread count and distribution of tokens gives the bits of the plain
// definition, which takes one token through one expert at a time.
#include "kernels/experts.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/reference/elementwise.h"
#include "kernels/reference/matmul.h"
#include "kernels/reference/router.h"
#include "kernels/support.h"
#include "support/scale.h"
#include "support/tiny_llama.h"

using namespace mang;
using test::first_difference;

namespace {

void check_route(const std::vector<float>& logits, int64_t E, int64_t used, bool renormalise) {
  CAPTURE(E);
  CAPTURE(used);
  CAPTURE(renormalise);
  const auto M = static_cast<int64_t>(logits.size()) / E;
  std::vector<int32_t> experts(static_cast<size_t>(M * used));
  std::vector<float> weights(experts.size());
  for (int64_t m = 0; m < M; ++m) {
    reference::route(logits.data() + m * E, E, used, renormalise, experts.data() + m * used, weights.data() + m * used);
  }
  test::on_every_device([&](const Device& device) {
    std::vector<float> work = logits;
    const Routing got = route(device, work.data(), M, E, used, renormalise);
    CHECK(got.experts == experts);
    CHECK(first_difference(got.weights, weights) == -1);
  });
}

TEST_CASE("the router is its definition on every instruction set") {
  test::Random random(3);
  for (const int64_t E : {1, 2, 5, 8, 16, 17, 60, 128}) {
    for (const int64_t used : std::set<int64_t>{1, (E + 1) / 2, E}) {
      for (const bool renormalise : {false, true}) check_route(random.normals(70 * E, 2), E, used, renormalise);
    }
  }
}

TEST_CASE("the router: ties go to the lower index, damage stays visible") {
  std::vector<float> logits(12, 1.0f);
  check_route(logits, 12, 5, true);
  ThreadPool pool(1);
  const Device device(pool, Isa::generic);
  const Routing even = route(device, logits.data(), 1, 12, 4, true);
  CHECK(even.experts == std::vector<int32_t>{0, 1, 2, 3});
  for (const float weight : even.weights) CHECK(weight == 0.25f);

  logits = {3, 1, 5, 5, 3, -2};
  const Routing some = route(device, logits.data(), 1, 6, 3, false);
  CHECK(some.experts == std::vector<int32_t>{2, 3, 0});
  CHECK(some.weights[0] == some.weights[1]);

  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float damage : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
    for (const size_t at : {size_t{0}, size_t{4}}) {
      logits = {3, 1, 5, 5, 3, -2};
      logits[at] = damage;
      check_route(logits, 6, 2, true);
      for (const float weight : route(device, logits.data(), 1, 6, 2, true).weights) CHECK(std::isnan(weight));
    }
  }
  check_route({3, -kInfinity, 5, -kInfinity, 3, -2}, 6, 6, false);
  check_route(std::vector<float>(6, -kInfinity), 6, 2, true);
}

TEST_CASE("weighted results are added in order") {
  test::Random random(4);
  for (const int64_t D : {1, 15, 16, 17, 64, 100}) {
    const int64_t count = 5;
    const std::vector<float> rows = random.normals(count * D);
    const std::vector<float> weights = random.normals(count);
    std::vector<float> expected(static_cast<size_t>(D));
    reference::add_weighted(rows.data(), weights.data(), count, D, expected.data());
    // The same rows in other places, further apart.
    const std::vector<int32_t> places = {3, 0, 6, 1, 5};
    std::vector<float> scattered(static_cast<size_t>(7 * (D + 3)));
    for (int64_t r = 0; r < count; ++r) {
      std::copy_n(rows.data() + r * D, D, scattered.data() + places[static_cast<size_t>(r)] * (D + 3));
    }
    for (const Isa isa : available_isas()) {
      std::vector<float> got(expected.size());
      cpu::kernels_of(isa).elementwise->add_weighted(scattered.data(), D + 3, places.data(), weights.data(), count, D,
                                                     got.data());
      CHECK(first_difference(got, expected) == -1);
    }
  }
}

// ---- whole feed-forwards --------------------------------------------------------------------------------------------

struct Layer {
  DType gate, up, down;
  int64_t experts, hidden, inner;
  std::vector<std::string> stored[3];  // gate, up, down: [E] each
  std::vector<PackedMatrix> packed[3];

  Layer(DType g, DType u, DType d, int64_t E, int64_t D, int64_t F)
      : gate(g), up(u), down(d), experts(E), hidden(D), inner(F) {
    std::mt19937 rng(7);
    ThreadPool pool(1);
    const Device device(pool, Isa::generic);
    for (int64_t e = 0; e < E; ++e) {
      for (int which = 0; which < 3; ++which) {
        const DType type = which == 0 ? g : which == 1 ? u : d;
        const int64_t rows = which == 2 ? D : F;
        const int64_t cols = which == 2 ? F : D;
        stored[which].push_back(test::random_rows(type, rows, cols, 1.6f / std::sqrt(static_cast<float>(cols)), rng));
        packed[which].push_back(PackedMatrix::allocate(type, rows, cols));
        REQUIRE(pack_rows(device, std::as_bytes(std::span(stored[which].back())), rows, 0, {}, packed[which].back()));
      }
    }
  }
  [[nodiscard]] ExpertMatrices matrices() const { return {packed[0], packed[1], packed[2]}; }

  // One token through one expert.
  [[nodiscard]] std::vector<float> through(Arithmetic arithmetic, GateFunction f, size_t e, const float* x) const {
    const auto times = [&](int which, DType type, int64_t rows, int64_t cols, const float* in) {
      std::vector<float> out(static_cast<size_t>(rows));
      reference::matmul(arithmetic, type, std::as_bytes(std::span(stored[which][e])).data(), rows, cols, in, 1,
                        out.data());
      return out;
    };
    std::vector<float> inside = times(0, gate, inner, hidden, x);
    const std::vector<float> beside = times(1, up, inner, hidden, x);
    reference::gate_mul(f, inside.data(), beside.data(), inner);
    return times(2, down, hidden, inner, inside.data());
  }
};

// Each token's experts: different ones, drawn so that some experts have most tokens and some have none.
Routing skewed_routing(test::Random& random, int64_t M, int64_t E, int64_t used) {
  Routing out;
  out.tokens = M;
  out.used = used;
  for (int64_t m = 0; m < M; ++m) {
    std::vector<int32_t> mine;
    while (static_cast<int64_t>(mine.size()) < used) {
      const auto limit = random.integer(0, 3) > 0 ? std::min<int64_t>(E, used + 1) : E - E / 4;
      const auto e = static_cast<int32_t>(random.integer(0, std::max(limit, used) - 1));
      if (std::find(mine.begin(), mine.end(), e) == mine.end()) mine.push_back(e);
    }
    out.experts.insert(out.experts.end(), mine.begin(), mine.end());
    for (int64_t r = 0; r < used; ++r) out.weights.push_back(random.normal());
  }
  return out;
}

void check_layer(const Layer& layer, Arithmetic arithmetic, int64_t M, int64_t used,
                 const std::vector<const Device*>& more = {}) {
  CAPTURE(dtype_name(layer.gate));
  CAPTURE(dtype_name(layer.down));
  CAPTURE(static_cast<int>(arithmetic));
  CAPTURE(M);
  test::Random random(static_cast<uint64_t>(M * 10 + used));
  const GateFunction f = M % 2 == 0 ? GateFunction::gelu_tanh : GateFunction::silu;
  const Routing routing = skewed_routing(random, M, layer.experts, used);
  const std::vector<float> x = random.normals(M * layer.hidden);
  std::vector<float> expected(x.size());
  for (int64_t m = 0; m < M; ++m) {
    std::vector<float> results;
    for (int64_t r = 0; r < used; ++r) {
      const auto e = static_cast<size_t>(routing.experts[static_cast<size_t>(m * used + r)]);
      const std::vector<float> one = layer.through(arithmetic, f, e, x.data() + m * layer.hidden);
      results.insert(results.end(), one.begin(), one.end());
    }
    reference::add_weighted(results.data(), routing.weights.data() + m * used, used, layer.hidden,
                            expected.data() + m * layer.hidden);
  }
  const auto check = [&](const Device& device) {
    std::vector<float> inner(static_cast<size_t>(M * used * layer.inner));
    std::vector<float> got(x.size());
    expert_feed_forward(device, arithmetic, f, layer.matrices(), routing, x.data(), inner.data(), got.data());
    CHECK(first_difference(got, expected) == -1);
  };
  test::on_every_device(check);
  for (const Device* device : more) check(*device);
}

TEST_CASE("experts give the bits of the plain definition: quantized weights") {
  const Layer mixed(DType::Q4_K, DType::Q5_0, DType::Q6_K, 7, 256, 512);
  for (const int64_t M : test::reduced<std::vector<int64_t>>({1, 2, 9, 40, 150}, {1, 30})) {
    check_layer(mixed, Arithmetic::quantized, M, 3);
  }
  check_layer(mixed, Arithmetic::exact, test::reduced<int64_t>(33, 5), 2);
  const Layer odd(DType::Q8_0, DType::Q8_0, DType::MXFP4, 5, 96, 160);
  check_layer(odd, Arithmetic::quantized, test::reduced<int64_t>(60, 20), 5);
}

TEST_CASE("experts give the bits of the plain definition: float weights, rows that fill no tile") {
  const Layer layer(DType::BF16, DType::F32, DType::F16, 6, 40, 36);
  for (const int64_t M : {1, 5, 70}) check_layer(layer, Arithmetic::quantized, M, 2);
  check_layer(layer, Arithmetic::exact, 30, 6);
}

TEST_CASE("experts through tile products, emulated and on AMX where there is one") {
  ThreadPool pool(2);
  cpu::Kernels kernels = cpu::kernels_of(Isa::generic);
  kernels.matmul = &cpu::kMatmulAmxEmulated;
  const Device emulated(pool, Isa::generic, kernels);
  const Layer layer(DType::Q4_K, DType::Q4_K, DType::Q4_K, 4, 256, 256);
  check_layer(layer, Arithmetic::quantized, test::reduced<int64_t>(120, 70), 2, {&emulated});
}

}  // namespace
