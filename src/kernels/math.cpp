#include "kernels/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

// Coefficients: Chebyshev fits of the remainders, found with 40 digits and rounded to float; the double-precision
// series are Taylor's. Every operation is a correctly rounded IEEE one, so the results are the same everywhere.

namespace mang {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float fused(float a, float b, float c) { return std::fma(a, b, c); }
double fused(double a, double b, double c) { return std::fma(a, b, c); }

// A small integer k as the power 2^k; −1022 ≤ k ≤ 1023.
double power_of_two(int64_t k) { return std::bit_cast<double>(static_cast<uint64_t>(k + 1023) << 52); }

// Adding and taking away 1.5 · 2^52 rounds to the nearest integer (|x| < 2^51).
double nearest_integer(double x) { return (x + 0x1.8p+52) - 0x1.8p+52; }

constexpr double kLog2E = 0x1.71547652b82fep+0;
constexpr double kLn2High = 0x1.62e42fefa39efp-1;
constexpr double kLn2Low = 0x1.abc9e3b39803fp-56;

}  // namespace

// exp(x) = 2^n · exp(r), n = x / ln 2 rounded, |r| ≤ ln 2 / 2; exp(r) = 1 + r + r² · P(r).
// kernels/cpu/math-inl.h does the same lane by lane.
float exp_f32(float x) {
  constexpr float kLow = -87.33654f;  // just above ln 2^−126: every result is a normal number
  constexpr float kHigh = 88.72283f;  // just below ln of the largest float
  constexpr float kMagic = 0x1.8p+23f;
  float c = kLow > x ? kLow : x;
  c = kHigh < c ? kHigh : c;                         // NaN passes
  const float t = fused(c, 0x1.715476p+0f, kMagic);  // its low bits are n
  const float n = t - kMagic;
  float r = fused(n, -0x1.62e430p-1f, c);
  r = fused(n, 0x1.05c610p-29f, r);
  float p = 0x1.6d117cp-10f;
  p = fused(p, r, 0x1.120be2p-7f);
  p = fused(p, r, 0x1.555518p-5f);
  p = fused(p, r, 0x1.5554dcp-3f);
  p = fused(p, r, 0.5f);
  p = fused(p, r, 1.0f);
  p = fused(p, r, 1.0f);
  float y = std::bit_cast<float>(std::bit_cast<uint32_t>(p) + (std::bit_cast<uint32_t>(t) << 23));
  y = fused(c, 0.0f, y);  // makes NaN of a NaN whose bits the line above garbled
  y = kHigh < x ? kInfinity : y;
  return x < kLow ? 0.0f : y;
}

// |x| < 0.625: x + x³ · P(x²); else ±(1 − 2 / (exp(2|x|) + 1)).
float tanh_f32(float x) {
  const float a = std::fabs(x);
  if (a < 0.625f) {
    const float u = x * x;
    float p = -0x1.8f3130p-8f;
    p = fused(p, u, 0x1.57f49ap-6f);
    p = fused(p, u, -0x1.b923dcp-5f);
    p = fused(p, u, 0x1.110e16p-3f);
    p = fused(p, u, -0x1.555552p-2f);
    return fused(p * u, x, x);
  }
  const float far = 1.0f - 2.0f / (exp_f32(a + a) + 1.0f);
  return x < 0 ? -far : far;
}

// log(x) = e · ln 2 + log(1 + f), 1 + f in [√½, √2); log(1 + f) = f − f²/2 + f³ · P(f).
float log_f32(float x) {
  if (std::isnan(x) || x < 0) return kNan;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  int e = 0;
  if (x < std::numeric_limits<float>::min()) {  // subnormal
    x *= 0x1p+24f;
    e = -24;
  }
  // The bits of √½ taken away and put back move the cut between exponents from 1 to √½.
  constexpr uint32_t kHalfRoot = 0x3f3504f3;
  const uint32_t bits = std::bit_cast<uint32_t>(x) - kHalfRoot;
  e += static_cast<int32_t>(bits) >> 23;
  const float f = std::bit_cast<float>((bits & 0x7fffffu) + kHalfRoot) - 1.0f;
  float p = 0x1.1d9828p-4f;
  p = fused(p, f, -0x1.d6453cp-4f);
  p = fused(p, f, 0x1.dea656p-4f);
  p = fused(p, f, -0x1.fcf30ep-4f);
  p = fused(p, f, 0x1.23d1d6p-3f);
  p = fused(p, f, -0x1.555b50p-3f);
  p = fused(p, f, 0x1.999d5cp-3f);
  p = fused(p, f, -0x1.fffffcp-3f);
  p = fused(p, f, 0x1.555554p-2f);
  const float square = f * f;
  const auto exponent = static_cast<float>(e);
  float tail = fused(-0.5f, square, square * f * p);
  tail = fused(exponent, -0x1.05c610p-29f, tail);
  return fused(exponent, 0x1.62e430p-1f, f + tail);
}

double exp_f64(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.79) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0;
  const double n = nearest_integer(x * kLog2E);
  double r = fused(-n, kLn2High, x);
  r = fused(-n, kLn2Low, r);
  // Σ r^k / k!, k ≤ 13.
  double p = 1.0 / 6227020800.0;
  p = fused(p, r, 1.0 / 479001600.0);
  p = fused(p, r, 1.0 / 39916800.0);
  p = fused(p, r, 1.0 / 3628800.0);
  p = fused(p, r, 1.0 / 362880.0);
  p = fused(p, r, 1.0 / 40320.0);
  p = fused(p, r, 1.0 / 5040.0);
  p = fused(p, r, 1.0 / 720.0);
  p = fused(p, r, 1.0 / 120.0);
  p = fused(p, r, 1.0 / 24.0);
  p = fused(p, r, 1.0 / 6.0);
  p = fused(p, r, 0.5);
  p = fused(p * r, r, r) + 1.0;
  // In two steps: 2^n alone may overflow or be subnormal.
  const auto k = static_cast<int64_t>(n);
  return p * power_of_two(k / 2) * power_of_two(k - k / 2);
}

// As log_f32, with log(1 + f) = f − f²/2 + s · (f²/2 + R), s = f / (2 + f), R = 2 Σ s^2k / (2k + 1).
double log_f64(double x) {
  if (std::isnan(x) || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (std::isinf(x)) return x;
  int64_t e = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p+54;
    e = -54;
  }
  constexpr uint64_t kHalfRoot = 0x3fe6a09e667f3bcd;
  const uint64_t bits = std::bit_cast<uint64_t>(x) - kHalfRoot;
  e += static_cast<int64_t>(bits) >> 52;
  const double f = std::bit_cast<double>((bits & 0xfffffffffffffull) + kHalfRoot) - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double p = 2.0 / 23.0;
  p = fused(p, z, 2.0 / 21.0);
  p = fused(p, z, 2.0 / 19.0);
  p = fused(p, z, 2.0 / 17.0);
  p = fused(p, z, 2.0 / 15.0);
  p = fused(p, z, 2.0 / 13.0);
  p = fused(p, z, 2.0 / 11.0);
  p = fused(p, z, 2.0 / 9.0);
  p = fused(p, z, 2.0 / 7.0);
  p = fused(p, z, 2.0 / 5.0);
  p = fused(p, z, 2.0 / 3.0);
  const double half_square = 0.5 * f * f;
  const double tail = s * fused(p, z, half_square) - half_square;
  const auto exponent = static_cast<double>(e);
  return fused(exponent, kLn2High, f + fused(exponent, kLn2Low, tail));
}

double pow_f64(double x, double y) {
  if (y == 0) return 1;
  return exp_f64(y * log_f64(x));
}

namespace {

// x = q · π/2 + r, |r| ≤ π/4 (a little more at the borders), q mod 4. π/2 in three parts: the first product is exact
// inside the fma and so is its difference, for |x| ≤ 2^30.
struct Quadrant {
  double r;
  int q;
};

Quadrant reduce(double x) {
  const double n = nearest_integer(x * 0x1.45f306dc9c883p-1);
  double r = fused(-n, 0x1.921fb54442d18p+0, x);
  r = fused(-n, 0x1.1a62633145c07p-54, r);
  r = fused(-n, -0x1.f1976b7ed8fbcp-110, r);
  return {r, static_cast<int>(static_cast<int64_t>(n) & 3)};
}

double sin_near_zero(double r) {
  const double u = r * r;
  double p = 1.0 / 355687428096000.0;  // 1/17!
  p = fused(p, u, -1.0 / 1307674368000.0);
  p = fused(p, u, 1.0 / 6227020800.0);
  p = fused(p, u, -1.0 / 39916800.0);
  p = fused(p, u, 1.0 / 362880.0);
  p = fused(p, u, -1.0 / 5040.0);
  p = fused(p, u, 1.0 / 120.0);
  p = fused(p, u, -1.0 / 6.0);
  return fused(p * u, r, r);
}

double cos_near_zero(double r) {
  const double u = r * r;
  double p = 1.0 / 20922789888000.0;  // 1/16!
  p = fused(p, u, -1.0 / 87178291200.0);
  p = fused(p, u, 1.0 / 479001600.0);
  p = fused(p, u, -1.0 / 3628800.0);
  p = fused(p, u, 1.0 / 40320.0);
  p = fused(p, u, -1.0 / 720.0);
  p = fused(p, u, 1.0 / 24.0);
  p = fused(p, u, -0.5);
  return fused(p, u, 1.0);
}

constexpr double kLargestAngle = 0x1p+30;

}  // namespace

double sin_f64(double x) {
  if (!(std::fabs(x) <= kLargestAngle)) return std::numeric_limits<double>::quiet_NaN();
  const auto [r, q] = reduce(x);
  const double y = (q & 1) != 0 ? cos_near_zero(r) : sin_near_zero(r);
  return (q & 2) != 0 ? -y : y;
}

double cos_f64(double x) {
  if (!(std::fabs(x) <= kLargestAngle)) return std::numeric_limits<double>::quiet_NaN();
  const auto [r, q] = reduce(x);
  const double y = (q & 1) != 0 ? sin_near_zero(r) : cos_near_zero(r);
  return ((q + 1) & 2) != 0 ? -y : y;
}

}  // namespace mang
