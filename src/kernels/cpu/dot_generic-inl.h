// Dot products of unsigned codes with int8 inputs, 4 k at a time in each of the 16 lanes. Every dot_*-inl.h defines:
//   kMaxGroup        tokens worked on together        kRowTiles   tiles worked on together
//   kDirectGroup, kDirectMost: the same where packed weights are read directly, and up to how many tokens they are
//   kDotBias         what sums start from (AVX-512 converts to float by it), and is part of `init`
//   Act, act_load    4 int8 of one token, given to every lane
//   Dot<kMaxCode>    a running sum: begin(init), step<i>(codes, act) for i = 0, 1, …, end() → bias + Σ, exact
//   dot_scaled       round(sum · ws), from end() and the scales made by scale_of
#pragma once

namespace {

constexpr int kMaxGroup = 2;
constexpr int kDirectGroup = 2;
constexpr int kDirectMost = 2;
constexpr int kRowTiles = 1;
constexpr int32_t kDotBias = 0;

struct Act { int8_t x[4]; };
inline Act act_load(const int8_t* p) { Act a; std::memcpy(&a, p, 4); return a; }

template <int kMaxCode>
struct Dot {
  VI sum;
  inline void begin(const int32_t* init) { sum = vi_set(*init); }
  template <int kStep>
  inline void step(VB codes, Act a) {
    MANG_LANES {
      for (int j = 0; j < 4; ++j) sum.x[i] += static_cast<int32_t>(codes.x[4 * i + j]) * a.x[j];
    }
  }
  inline VI end() { return sum; }
};

struct Scale { VF ws; };
inline Scale scale_of(VF ws) { return {ws}; }
inline Scale load_scale(const uint8_t* p) { return {vf_load(reinterpret_cast<const float*>(p))}; }
inline VF dot_scaled(VI sum, Scale s) { return vf_mul(vf_from_vi(sum), s.ws); }

}  // namespace
