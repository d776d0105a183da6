// The 16-lane vector of docs/arithmetic.md in plain C++. Every vec_*-inl.h defines the same names with the same
// results, bit for bit; the *-inl.h files of the operations are written against them. Included inside an ISA's
// anonymous namespace: nothing here may be emitted as a weak symbol, so no std templates.
//   VF: 16 floats   VI: 16 int32   VB: 64 bytes (lane i: bytes 4i … 4i + 3)
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/scalar-inl.h"

namespace {

#define MANG_LANES for (int i = 0; i < 16; ++i)

struct VF { float x[16]; };
struct VI { int32_t x[16]; };
struct VB { uint8_t x[64]; };

inline VF vf_load(const float* p) { VF r; std::memcpy(&r, p, 64); return r; }
inline void vf_store(float* p, VF a) { std::memcpy(p, &a, 64); }
inline VF vf_set(float a) { VF r; MANG_LANES r.x[i] = a; return r; }
inline VF vf_zero() { return vf_set(0); }
inline VF vf_add(VF a, VF b) { MANG_LANES a.x[i] += b.x[i]; return a; }
inline VF vf_sub(VF a, VF b) { MANG_LANES a.x[i] -= b.x[i]; return a; }
inline VF vf_mul(VF a, VF b) { MANG_LANES a.x[i] *= b.x[i]; return a; }
inline VF vf_div(VF a, VF b) { MANG_LANES a.x[i] /= b.x[i]; return a; }
inline VF vf_fma(VF a, VF b, VF c) { MANG_LANES c.x[i] = __builtin_fmaf(a.x[i], b.x[i], c.x[i]); return c; }  // a·b + c
inline VF vf_sqrt(VF a) { MANG_LANES a.x[i] = __builtin_sqrtf(a.x[i]); return a; }
inline VF vf_max(VF a, VF b) { MANG_LANES a.x[i] = a.x[i] > b.x[i] ? a.x[i] : b.x[i]; return a; }  // b if either is NaN
inline VF vf_min(VF a, VF b) { MANG_LANES a.x[i] = a.x[i] < b.x[i] ? a.x[i] : b.x[i]; return a; }  // b if either is NaN
inline VF vf_abs(VF a) { MANG_LANES a.x[i] = __builtin_fabsf(a.x[i]); return a; }
inline VF vf_neg(VF a) { MANG_LANES a.x[i] = -a.x[i]; return a; }
// a < b ? yes : no, lane by lane (no if either is NaN).
inline VF vf_select_lt(VF a, VF b, VF yes, VF no) { MANG_LANES no.x[i] = a.x[i] < b.x[i] ? yes.x[i] : no.x[i]; return no; }
// Lanes [from, to) of a, `other` elsewhere.
inline VF vf_keep(VF a, int from, int to, float other) { MANG_LANES if (i < from || i >= to) a.x[i] = other; return a; }

inline VF vf_load_f16(const uint16_t* p) { VF r; MANG_LANES r.x[i] = scalar_f32_from_f16(p[i]); return r; }
inline void vf_store_f16(uint16_t* p, VF a) { MANG_LANES p[i] = scalar_f16_from_f32(a.x[i]); }
inline VF vf_load_bf16(const uint16_t* p) { VF r; MANG_LANES r.x[i] = scalar_f32_from_bf16(p[i]); return r; }
inline VF vf_load_i8(const int8_t* p) { VF r; MANG_LANES r.x[i] = static_cast<float>(p[i]); return r; }
inline VF vf_load_u8(const uint8_t* p) { VF r; MANG_LANES r.x[i] = static_cast<float>(p[i]); return r; }
// The first n (< 16) floats, zero in the other lanes; nothing past them is read.
inline VF vf_load_n(const float* p, int n) { VF r = vf_zero(); for (int i = 0; i < n; ++i) r.x[i] = p[i]; return r; }
inline void vf_store_n(float* p, VF a, int n) { for (int i = 0; i < n; ++i) p[i] = a.x[i]; }

// Lanes folded 8, 4, 2, 1: lane i + lane i+8, then i+4, i+2, i+1.
inline float vf_sum(VF a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.x[i] += a.x[i + half];
  }
  return a.x[0];
}
inline float vf_max_lane(VF a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.x[i] = a.x[i] > a.x[i + half] ? a.x[i] : a.x[i + half];
  }
  return a.x[0];
}

// Lane i: `op` (associative on these values: a maximum, a sum of small integers) over all lanes of v[i], for 16 vectors.
template <typename Op>
inline VF vf_fold_each(const VF* v, Op op) {
  VF out;
  for (int i = 0; i < 16; ++i) {
    VF a = v[i];
    for (int half = 8; half > 0; half /= 2) {
      VF upper = a;
      for (int k = 0; k < half; ++k) upper.x[k] = a.x[k + half];
      a = op(a, upper);
    }
    out.x[i] = a.x[0];
  }
  return out;
}

inline VI vi_load(const int32_t* p) { VI r; std::memcpy(&r, p, 64); return r; }
inline void vi_store(int32_t* p, VI a) { std::memcpy(p, &a, 64); }
inline VI vi_set(int32_t a) { VI r; MANG_LANES r.x[i] = a; return r; }
inline VI vi_add(VI a, VI b) { MANG_LANES a.x[i] += b.x[i]; return a; }
inline VI vi_sub(VI a, VI b) { MANG_LANES a.x[i] -= b.x[i]; return a; }
inline VI vi_mul(VI a, VI b) { MANG_LANES a.x[i] *= b.x[i]; return a; }
inline VI vi_shl(VI a, int n) { MANG_LANES a.x[i] = static_cast<int32_t>(static_cast<uint32_t>(a.x[i]) << n); return a; }
inline VF vf_from_vi(VI a) { VF r; MANG_LANES r.x[i] = static_cast<float>(a.x[i]); return r; }
// Rounded to nearest even; |a| < 2^31.
inline VI vi_round(VF a) { VI r; MANG_LANES r.x[i] = static_cast<int32_t>(__builtin_rintf(a.x[i])); return r; }
inline VF vf_bits(VI a) { VF r; std::memcpy(&r, &a, 64); return r; }
inline VI vi_bits(VF a) { VI r; std::memcpy(&r, &a, 64); return r; }
inline VI vi_load_u8(const uint8_t* p) { VI r; MANG_LANES r.x[i] = p[i]; return r; }
inline VI vi_load_i8(const int8_t* p) { VI r; MANG_LANES r.x[i] = p[i]; return r; }
// Lanes as bytes, saturated to −128 … 127.
inline void vi_store_i8(int8_t* p, VI a) {
  MANG_LANES p[i] = static_cast<int8_t>(a.x[i] < -128 ? -128 : a.x[i] > 127 ? 127 : a.x[i]);
}

inline VB vb_load(const uint8_t* p) { VB r; std::memcpy(&r, p, 64); return r; }
inline void vb_store(uint8_t* p, VB a) { std::memcpy(p, &a, 64); }

inline VB vb_set(uint8_t a) { VB r; for (int i = 0; i < 64; ++i) r.x[i] = a; return r; }
inline VB vb_and(VB a, VB b) { for (int i = 0; i < 64; ++i) a.x[i] &= b.x[i]; return a; }
inline VB vb_or(VB a, VB b) { for (int i = 0; i < 64; ++i) a.x[i] |= b.x[i]; return a; }
inline VB vb_sub(VB a, VB b) { for (int i = 0; i < 64; ++i) a.x[i] = static_cast<uint8_t>(a.x[i] - b.x[i]); return a; }
// Each byte shifted; bits that cross a byte are the caller's to mask away (wider registers shift 16 bits at a time).
template <int N> inline VB vb_srl(VB a) { for (int i = 0; i < 64; ++i) a.x[i] = static_cast<uint8_t>(a.x[i] >> N); return a; }
template <int N> inline VB vb_shl(VB a) { for (int i = 0; i < 64; ++i) a.x[i] = static_cast<uint8_t>(a.x[i] << N); return a; }
// table[byte], bytes < 16.
inline VB vb_lookup(const uint8_t* table, VB a) { for (int i = 0; i < 64; ++i) a.x[i] = table[a.x[i]]; return a; }

}  // namespace
