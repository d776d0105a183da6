// What the kernel tests share: seeded numbers, bit comparison, one device for each instruction set of the machine.
#pragma once

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/device.h"

namespace mang::test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  float normal(float sigma = 1) { return std::normal_distribution<float>(0, sigma)(engine_); }
  int64_t integer(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }
  std::vector<float> normals(int64_t n, float sigma = 1) {
    std::vector<float> out(static_cast<size_t>(n));
    for (float& x : out) x = normal(sigma);
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

// The same bits, any NaN being the same as any other.
inline bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

// Index of the first difference, −1 if there is none.
inline int64_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same_bits(a[i], b[i])) return static_cast<int64_t>(i);
  }
  return -1;
}

// f(device) on every instruction set of this machine, with each of the given numbers of threads.
template <typename F>
void on_every_device(F&& f, const std::vector<int>& threads = {1, 3}) {
  for (const int count : threads) {
    ThreadPool pool(count);
    for (const Isa isa : available_isas()) {
      CAPTURE(std::string(isa_name(isa)));
      CAPTURE(count);
      f(Device(pool, isa));
    }
  }
}

}  // namespace mang::test
