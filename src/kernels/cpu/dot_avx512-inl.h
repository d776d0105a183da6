// See dot_generic-inl.h. AVX-512 VNNI. Sums start at the bits of 1.5·2^23 (kDotBias), so that a sum below 2^22 in size,
// read as a float, is exactly 1.5·2^23 + Σ; then fma(that, ws, −1.5·2^23·ws) is Σ·ws rounded once: conversion and
// scaling in one instruction. 1.5·2^23·ws is exact: ws has at most 19 significant bits.
#pragma once

namespace {

constexpr int kMaxGroup = 7;
constexpr int kDirectGroup = 8;
constexpr int kDirectMost = 10;
constexpr int kRowTiles = 2;
constexpr int32_t kDotBias = 0x4B400000;

using Act = __m512i;
inline Act act_load(const int8_t* p) {
  int32_t four;
  std::memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}

template <int kMaxCode>
struct Dot {
  VI sum;
  inline void begin(const int32_t* init) { sum = vi_set(*init); }
  template <int kStep>
  inline void step(VB codes, Act a) {
    sum.v = _mm512_dpbusd_epi32(sum.v, codes.v, a);
  }
  inline VI end() { return sum; }
};

struct Scale { VF ws, bias; };
inline Scale scale_of(VF ws) { return {ws, vf_mul(ws, vf_set(-12582912.0f))}; }
inline Scale load_scale(const uint8_t* p) { return {vf_load(reinterpret_cast<const float*>(p)), vf_load(reinterpret_cast<const float*>(p) + 16)}; }
inline VF dot_scaled(VI sum, Scale s) { return vf_fma(vf_bits(sum), s.ws, s.bias); }

}  // namespace
