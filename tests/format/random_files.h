// Random GGUF and safetensors files, sound ones and ones that break a rule, and damage to the bytes of any file.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace mang::test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // In [0, n).
  uint64_t below(uint64_t n) { return engine_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  uint64_t bits() { return engine_(); }
  template <typename List>
  const auto& pick(const List& list) {
    return *(std::begin(list) + below(std::size(list)));
  }
  std::string bytes(uint64_t n) {
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(engine_());
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

// The numbers at which sizes, counts and offsets go wrong.
inline constexpr uint64_t kExtremes[] = {0,
                                         1,
                                         ~uint64_t{0},
                                         (uint64_t{1} << 31) - 1,
                                         uint64_t{1} << 31,
                                         (uint64_t{1} << 31) + 1,
                                         (uint64_t{1} << 32) - 1,
                                         uint64_t{1} << 32,
                                         (uint64_t{1} << 32) + 1,
                                         (uint64_t{1} << 63) - 1,
                                         uint64_t{1} << 63,
                                         ~uint64_t{0} - 31};

// About half are sound; the others break one rule of the format or more.
std::string random_gguf(Random& random);
std::string random_safetensors(Random& random);

// One of: cut short, bytes changed, a number overwritten by an extreme one, bytes put in, bytes taken out, a part
// repeated.
std::string damaged(std::string bytes, Random& random);

}  // namespace mang::test
