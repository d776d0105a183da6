#include "kernels/math.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/elementwise.h"
#include "kernels/support.h"
#include "support/scale.h"

using namespace mang;
using test::reduced;
using test::same_bits;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// |value − exact| in units of the last place of exact (as a float or double).
double ulps(float value, long double exact) {
  const auto rounded = static_cast<float>(exact);
  const float next = std::nextafterf(std::fabs(rounded), kInfinity);
  return static_cast<double>(fabsl(static_cast<long double>(value) - exact) / (next - std::fabs(rounded)));
}
double ulps(double value, long double exact) {
  const auto rounded = static_cast<double>(exact);
  const double next = std::nextafter(std::fabs(rounded), std::numeric_limits<double>::infinity());
  return static_cast<double>(fabsl(static_cast<long double>(value) - exact) / (next - std::fabs(rounded)));
}

// Calls f(x) for every `stride`-th float between the bits of two of the same sign.
template <typename F>
void for_floats(float from, float to, uint32_t stride, F&& f) {
  for (uint64_t bits = std::bit_cast<uint32_t>(from); bits <= std::bit_cast<uint32_t>(to); bits += stride) {
    f(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
}

}  // namespace

TEST_CASE("exp_f32: error over its whole range") {
  double worst = 0;
  const auto check = [&](float x) { worst = std::max(worst, ulps(exp_f32(x), expl(x))); };
  for_floats(0.0f, 88.72283f, reduced(1009u, 20011u), check);
  for_floats(-0.0f, -87.33654f, reduced(1009u, 20011u), check);
  for_floats(0.34f, 0.36f, reduced(1u, 7u), check);  // around the first border of the reduction
  CHECK(worst < 1.1);
  CHECK(worst > 0.4);  // the comparison does compare
}

TEST_CASE("exp_f32: borders and special values") {
  CHECK(exp_f32(0.0f) == 1.0f);
  CHECK(exp_f32(-0.0f) == 1.0f);
  CHECK(exp_f32(kInfinity) == kInfinity);
  CHECK(same_bits(exp_f32(-kInfinity), 0.0f));
  CHECK(std::isnan(exp_f32(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(exp_f32(std::bit_cast<float>(0x7f800001u))));  // every payload stays NaN
  CHECK(std::isnan(exp_f32(std::bit_cast<float>(0xffc00101u))));
  // From the flushed to the infinite ones: never falling, never subnormal, never NaN.
  float before = 0;
  for (float x = -87.34f; x < -87.33f; x = std::nextafterf(x, kInfinity)) {
    const float y = exp_f32(x);
    REQUIRE(y >= before);
    REQUIRE((y == 0 || std::isnormal(y)));
    before = y;
  }
  CHECK(before > 0);
  before = exp_f32(88.722f);
  for (float x = 88.722f; x < 88.724f; x = std::nextafterf(x, kInfinity)) {
    const float y = exp_f32(x);
    REQUIRE(y >= before);
    before = y;
  }
  CHECK(before == kInfinity);
  CHECK(exp_f32(88.72283f) < kInfinity);
}

TEST_CASE("tanh_f32: error, sign and limits") {
  double worst = 0;
  const auto check = [&](float x) {
    worst = std::max(worst, ulps(tanh_f32(x), tanhl(x)));
    REQUIRE(same_bits(tanh_f32(-x), -tanh_f32(x)));
    REQUIRE(std::fabs(tanh_f32(x)) <= 1);
  };
  for_floats(1e-30f, 20.0f, reduced(997u, 19997u), check);
  CHECK(worst < 2.5);
  CHECK(tanh_f32(0.0f) == 0);
  CHECK(tanh_f32(-0.0f) == 0);
  CHECK(tanh_f32(kInfinity) == 1);
  CHECK(tanh_f32(-kInfinity) == -1);
  CHECK(std::isnan(tanh_f32(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("log_f32: error and special values") {
  double worst = 0;
  const auto check = [&](float x) { worst = std::max(worst, ulps(log_f32(x), logl(x))); };
  for_floats(std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max(), reduced(2003u, 40009u),
             check);
  for_floats(0.99f, 1.01f, 7, check);
  CHECK(worst < 2);
  CHECK(log_f32(1.0f) == 0);
  CHECK(log_f32(0.0f) == -kInfinity);
  CHECK(log_f32(-0.0f) == -kInfinity);
  CHECK(log_f32(kInfinity) == kInfinity);
  CHECK(std::isnan(log_f32(-1.0f)));
  CHECK(std::isnan(log_f32(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("double precision: exp, log, pow") {
  test::Random random(1);
  double worst_exp = 0;
  double worst_log = 0;
  for (int i = 0; i < reduced(200000, 10000); ++i) {
    const double x = static_cast<double>(random.normal(200));
    if (std::fabs(x) < 700) worst_exp = std::max(worst_exp, ulps(exp_f64(x), expl(x)));
    const double y = std::exp(x);
    if (y > 0 && std::isfinite(y)) worst_log = std::max(worst_log, ulps(log_f64(y), logl(y)));
    const double near_one = 1 + 0.001 * static_cast<double>(random.normal());
    worst_log = std::max(worst_log, ulps(log_f64(near_one), logl(near_one)));
    const double base = std::exp(static_cast<double>(random.normal(5)));
    const double power = static_cast<double>(random.normal());
    const long double exact = powl(base, power);
    REQUIRE(fabsl(pow_f64(base, power) - exact) <= 1e-14L * exact);
  }
  CHECK(worst_exp < 1.5);
  CHECK(worst_log < 2);
  CHECK(exp_f64(0) == 1);
  CHECK(exp_f64(1000) == std::numeric_limits<double>::infinity());
  CHECK(exp_f64(-1000) == 0);
  CHECK(exp_f64(-740) > 0);  // subnormal
  CHECK(std::isnan(exp_f64(std::nan(""))));
  CHECK(log_f64(1) == 0);
  CHECK(log_f64(0) == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(log_f64(-1)));
  CHECK(std::fabs(log_f64(5e-324) - std::log(5e-324)) < 1e-12);
  CHECK(pow_f64(7, 0) == 1);
  CHECK(pow_f64(1, 12345) == 1);
}

TEST_CASE("double precision: sine and cosine, rounded as the rotary tables round them") {
  test::Random random(2);
  for (int i = 0; i < reduced(300000, 15000); ++i) {
    const double size = std::ldexp(1.0, static_cast<int>(random.integer(-20, 29)));
    const auto x = static_cast<double>(static_cast<float>(size * static_cast<double>(random.normal())));
    if (std::fabs(x) > 0x1p30) continue;
    REQUIRE(fabsl(sin_f64(x) - sinl(x)) < 4e-16L);
    REQUIRE(fabsl(cos_f64(x) - cosl(x)) < 4e-16L);
  }
  CHECK(sin_f64(0) == 0);
  CHECK(cos_f64(0) == 1);
  // Multiples of π/2 lose nothing to cancellation.
  for (int k = 1; k < 2000; ++k) {
    const double x = k * (M_PI / 2);
    const double value = k % 2 == 0 ? sin_f64(x) : cos_f64(x);
    const long double exact = k % 2 == 0 ? sinl(x) : cosl(x);
    REQUIRE(fabsl(value - exact) <= 1e-15L * fabsl(exact));
  }
  CHECK(std::isnan(sin_f64(std::numeric_limits<double>::infinity())));
  CHECK(std::isnan(cos_f64(std::nan(""))));
}

TEST_CASE("vector exp and tanh have the scalar functions' bits, on every instruction set") {
  std::vector<float> inputs = {0.0f,       -0.0f,      kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(),
                               -87.33654f, -87.33655f, 88.72283f, 88.72284f,  0.625f,
                               -0.625f,    1e-40f};
  for (uint64_t bits = 0; bits <= 0xffffffffull; bits += reduced(8191, 131071)) {
    inputs.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  test::Random random(3);
  for (int i = 0; i < reduced(100003, 5003); ++i) inputs.push_back(random.normal(20));
  std::vector<float> exp_expected = inputs;
  std::vector<float> tanh_expected = inputs;
  for (float& x : exp_expected) x = exp_f32(x);
  for (float& x : tanh_expected) x = tanh_f32(x);
  test::on_every_device(
      [&](const Device& device) {
        std::vector<float> values = inputs;
        device.kernels().elementwise->exp(values.data(), static_cast<int64_t>(values.size()));
        CHECK(test::first_difference(values, exp_expected) == -1);
        values = inputs;
        exp_row(device, values.data(), static_cast<int64_t>(values.size()));
        CHECK(test::first_difference(values, exp_expected) == -1);
        values = inputs;
        device.kernels().elementwise->tanh(values.data(), static_cast<int64_t>(values.size()));
        CHECK(test::first_difference(values, tanh_expected) == -1);
      },
      {1});
}
