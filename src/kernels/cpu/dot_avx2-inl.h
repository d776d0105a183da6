// See dot_generic-inl.h. AVX2 has no 8-bit dot product: maddubs sums pairs in 16 bits, which must not saturate. Codes up
// to 63 leave room for 63/kMaxCode further pairs before the sums are widened; codes up to 255 (whose offset is always 128)
// go through |u − 128| · ±a instead, which takes the offset off by itself.
#pragma once

namespace {

#if defined(__AVXVNNI__)
constexpr int kMaxGroup = 4;
#else
constexpr int kMaxGroup = 3;
#endif
constexpr int kDirectGroup = kMaxGroup;
constexpr int kDirectMost = kMaxGroup;
constexpr int kRowTiles = 1;
constexpr int32_t kDotBias = 0;

using Act = __m256i;
inline Act act_load(const int8_t* p) {
  int32_t four;
  std::memcpy(&four, p, 4);
  return _mm256_set1_epi32(four);
}

#if defined(__AVXVNNI__)

template <int kMaxCode>
struct Dot {
  VI sum;
  inline void begin(const int32_t* init) { sum = vi_set(*init); }
  template <int kStep>
  inline void step(VB codes, Act a) {
    sum.a = _mm256_dpbusd_avx_epi32(sum.a, codes.a, a);
    sum.b = _mm256_dpbusd_avx_epi32(sum.b, codes.b, a);
  }
  inline VI end() { return sum; }
};

#else

template <int kMaxCode>
struct Dot {
  // Pairs that fit in 16 bits: 2 · kMaxCode · 127 · kPairs ≤ 32767.
  static constexpr int kPairs = kMaxCode <= 15 ? 8 : kMaxCode <= 31 ? 4 : kMaxCode <= 63 ? 2 : 1;
  static constexpr bool kSigned = kMaxCode > 63;
  static_assert(kSigned || 2 * kMaxCode * 127 * kPairs <= 32767);

  VI sum;
  __m256i a16, b16;

  inline void begin(const int32_t* init) { sum = vi_set(kSigned ? 0 : *init); }
  template <int kStep>
  inline void step(VB codes, Act a) {
    __m256i pa, pb;
    if constexpr (kSigned) {
      const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
      const __m256i wa = _mm256_xor_si256(codes.a, flip);
      const __m256i wb = _mm256_xor_si256(codes.b, flip);
      pa = _mm256_maddubs_epi16(_mm256_abs_epi8(wa), _mm256_sign_epi8(a, wa));
      pb = _mm256_maddubs_epi16(_mm256_abs_epi8(wb), _mm256_sign_epi8(a, wb));
    } else {
      pa = _mm256_maddubs_epi16(codes.a, a);
      pb = _mm256_maddubs_epi16(codes.b, a);
    }
    if constexpr (kStep % kPairs == 0) {
      if constexpr (kStep > 0) widen();
      a16 = pa;
      b16 = pb;
    } else {
      a16 = _mm256_add_epi16(a16, pa);
      b16 = _mm256_add_epi16(b16, pb);
    }
  }
  inline void widen() {
    const __m256i ones = _mm256_set1_epi16(1);
    sum.a = _mm256_add_epi32(sum.a, _mm256_madd_epi16(a16, ones));
    sum.b = _mm256_add_epi32(sum.b, _mm256_madd_epi16(b16, ones));
  }
  inline VI end() {
    widen();
    return sum;
  }
};

#endif

struct Scale { VF ws; };
inline Scale scale_of(VF ws) { return {ws}; }
inline Scale load_scale(const uint8_t* p) { return {vf_load(reinterpret_cast<const float*>(p))}; }
inline VF dot_scaled(VI sum, Scale s) { return vf_mul(vf_from_vi(sum), s.ws); }

}  // namespace
