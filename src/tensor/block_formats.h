// GGUF's block formats, byte for byte. The numeric meaning of each is in docs/arithmetic.md and, as code, in
// kernels/reference/dequantize.cpp. Source: ggml-org/ggml, src/ggml-common.h (layout facts); OCP MX 1.0 for MXFP4.
#pragma once

#include <cstdint>

namespace mang {

using f16_bits = uint16_t;   // IEEE binary16
using bf16_bits = uint16_t;  // the upper half of an IEEE binary32

inline constexpr int kBlock = 32;        // elements of a legacy block
inline constexpr int kSuperBlock = 256;  // elements of a K-quant super-block

struct BlockQ4_0 {  // w = d · (q − 8)
  f16_bits d;
  uint8_t qs[16];  // element i: low nibble of qs[i]; element i + 16: its high nibble
};
static_assert(sizeof(BlockQ4_0) == 18);

struct BlockQ4_1 {  // w = d · q + m
  f16_bits d;
  f16_bits m;
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

struct BlockQ5_0 {  // w = d · (q − 16)
  f16_bits d;
  uint8_t qh[4];   // bit i: the fifth bit of element i
  uint8_t qs[16];  // as Q4_0
};
static_assert(sizeof(BlockQ5_0) == 22);

struct BlockQ5_1 {  // w = d · q + m
  f16_bits d;
  f16_bits m;
  uint8_t qh[4];
  uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

struct BlockQ8_0 {  // w = d · q
  f16_bits d;
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

struct BlockQ2_K {     // w = d · sc[j] · q − dmin · mn[j], sub-blocks j of 16
  uint8_t scales[16];  // low nibble sc, high nibble mn
  uint8_t qs[64];      // 2 bits an element; see the reference for the order
  f16_bits d;
  f16_bits dmin;
};
static_assert(sizeof(BlockQ2_K) == 84);

struct BlockQ3_K {  // w = d · (sc[j] − 32) · (q − 4), sub-blocks j of 16
  uint8_t hmask[32];  // the third bit of each element
  uint8_t qs[64];     // the low two bits
  uint8_t scales[12];  // 16 scales of 6 bits
  f16_bits d;
};
static_assert(sizeof(BlockQ3_K) == 110);

struct BlockQ4_K {  // w = d · sc[j] · q − dmin · mn[j], sub-blocks j of 32
  f16_bits d;
  f16_bits dmin;
  uint8_t scales[12];  // 8 scales and 8 minimums of 6 bits
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

struct BlockQ5_K {
  f16_bits d;
  f16_bits dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

struct BlockQ6_K {  // w = d · sc[j] · (q − 32), sub-blocks j of 16
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  f16_bits d;
};
static_assert(sizeof(BlockQ6_K) == 210);

struct BlockIQ4_NL {  // w = d · codebook[q]
  f16_bits d;
  uint8_t qs[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18);

struct BlockIQ4_XS {  // w = d · (sc[j] − 32) · codebook[q], sub-blocks j of 32
  f16_bits d;
  uint16_t scales_h;
  uint8_t scales_l[4];
  uint8_t qs[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136);

struct BlockMXFP4 {  // w = 2^(e − 127) · fp4[q]
  uint8_t e;
  uint8_t qs[16];
};
static_assert(sizeof(BlockMXFP4) == 17);

// The 4-bit non-linear codebook of IQ4_NL and IQ4_XS.
inline constexpr int8_t kIq4Codebook[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
// MXFP4's values times two, so that they are integers (E2M1: 0, ½, 1, 1½, 2, 3, 4, 6).
inline constexpr int8_t kFp4TwiceCodebook[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace mang
