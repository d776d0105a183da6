#include "kernels/reference/dequantize.h"

#include <cstring>

#include "base/check.h"
#include "tensor/block_formats.h"
#include "tensor/float16.h"

namespace mang::reference {

namespace {

int low_nibble(uint8_t byte) { return byte & 15; }
int high_nibble(uint8_t byte) { return byte >> 4; }

// The legacy blocks: element i in the low nibble of byte i, element i + 16 in its high nibble.
int nibble(const uint8_t* qs, int i) { return i < 16 ? low_nibble(qs[i]) : high_nibble(qs[i - 16]); }
int bit(const uint8_t* bits, int i) { return (bits[i / 8] >> (i % 8)) & 1; }

void dequantize(const BlockQ4_0& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(nibble(b.qs, i) - 8);
}

void dequantize(const BlockQ4_1& b, float* out) {
  const float d = f32_from_f16(b.d);
  const float m = f32_from_f16(b.m);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(nibble(b.qs, i)) + m;
}

void dequantize(const BlockQ5_0& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>((nibble(b.qs, i) | bit(b.qh, i) << 4) - 16);
}

void dequantize(const BlockQ5_1& b, float* out) {
  const float d = f32_from_f16(b.d);
  const float m = f32_from_f16(b.m);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(nibble(b.qs, i) | bit(b.qh, i) << 4) + m;
}

void dequantize(const BlockQ8_0& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(b.qs[i]);
}

// Elements 128·half + 32·j + l (l < 32) are the two bits 2j of byte 32·half + l.
void dequantize(const BlockQ2_K& b, float* out) {
  const float d = f32_from_f16(b.d);
  const float dmin = f32_from_f16(b.dmin);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int half = i / 128;
    const int q = (b.qs[32 * half + i % 32] >> (2 * (i % 128 / 32))) & 3;
    const uint8_t scale = b.scales[i / 16];
    out[i] = (d * static_cast<float>(low_nibble(scale))) * static_cast<float>(q) -
             dmin * static_cast<float>(high_nibble(scale));
  }
}

// 16 scales of 6 bits: low four bits in the nibbles of bytes 0–7, high two bits in bytes 8–11.
int scale_q3_k(const uint8_t* scales, int j) {
  const int low = j < 8 ? low_nibble(scales[j]) : high_nibble(scales[j - 8]);
  const int high = (scales[8 + j % 4] >> (2 * (j / 4))) & 3;
  return (low | high << 4) - 32;
}

// Low two bits as Q2_K; the third bit of element 128·half + 32·j + l is bit 4·half + j of hmask[l], and counts −4 if 0.
void dequantize(const BlockQ3_K& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int half = i / 128;
    const int j = i % 128 / 32;
    const int low = (b.qs[32 * half + i % 32] >> (2 * j)) & 3;
    const int high = (b.hmask[i % 32] >> (4 * half + j)) & 1;
    out[i] = (d * static_cast<float>(scale_q3_k(b.scales, i / 16))) * static_cast<float>((low | high << 2) - 4);
  }
}

// 8 scales and 8 minimums of 6 bits in 12 bytes.
struct ScaleAndMinimum {
  int scale;
  int minimum;
};
ScaleAndMinimum scale_q4_k(const uint8_t* s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | (s[j - 4] >> 6) << 4, (s[j + 4] >> 4) | (s[j] >> 6) << 4};
}

// Elements 64·g + l are the low nibbles of bytes 32·g + l (l < 32), elements 64·g + 32 + l the high ones.
int nibble_of_64(const uint8_t* qs, int i) {
  const uint8_t byte = qs[32 * (i / 64) + i % 32];
  return i % 64 < 32 ? low_nibble(byte) : high_nibble(byte);
}

void dequantize(const BlockQ4_K& b, float* out) {
  const float d = f32_from_f16(b.d);
  const float dmin = f32_from_f16(b.dmin);
  for (int i = 0; i < kSuperBlock; ++i) {
    const auto [scale, minimum] = scale_q4_k(b.scales, i / 32);
    out[i] = (d * static_cast<float>(scale)) * static_cast<float>(nibble_of_64(b.qs, i)) -
             dmin * static_cast<float>(minimum);
  }
}

// As Q4_K; the fifth bit of element 32·j + l is bit j of qh[l].
void dequantize(const BlockQ5_K& b, float* out) {
  const float d = f32_from_f16(b.d);
  const float dmin = f32_from_f16(b.dmin);
  for (int i = 0; i < kSuperBlock; ++i) {
    const auto [scale, minimum] = scale_q4_k(b.scales, i / 32);
    const int q = nibble_of_64(b.qs, i) | ((b.qh[i % 32] >> (i / 32)) & 1) << 4;
    out[i] = (d * static_cast<float>(scale)) * static_cast<float>(q) - dmin * static_cast<float>(minimum);
  }
}

// Halves of 128. Element 128·half + 32·j + l: low four bits from ql[64·half + 32·(j mod 2) + l], its high nibble for
// j ≥ 2; high two bits from bits 2j of qh[32·half + l].
void dequantize(const BlockQ6_K& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int half = i / 128;
    const int j = i % 128 / 32;
    const int l = i % 32;
    const uint8_t byte = b.ql[64 * half + 32 * (j % 2) + l];
    const int low = j < 2 ? low_nibble(byte) : high_nibble(byte);
    const int high = (b.qh[32 * half + l] >> (2 * j)) & 3;
    out[i] = (d * static_cast<float>(b.scales[i / 16])) * static_cast<float>((low | high << 4) - 32);
  }
}

void dequantize(const BlockIQ4_NL& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(kIq4Codebook[nibble(b.qs, i)]);
}

// Sub-blocks of 32, each laid out as an IQ4_NL block.
void dequantize(const BlockIQ4_XS& b, float* out) {
  const float d = f32_from_f16(b.d);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int j = i / 32;
    const int low = (b.scales_l[j / 2] >> (4 * (j % 2))) & 15;
    const int high = (b.scales_h >> (2 * j)) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    out[i] = scale * static_cast<float>(kIq4Codebook[nibble(b.qs + 16 * j, i % 32)]);
  }
}

// 2^(e − 128), the codebook being twice the values; e = 0 and 1 are subnormal.
float half_of_e8m0(uint8_t e) {
  const uint32_t bits = e < 2 ? uint32_t{0x00200000} << e : static_cast<uint32_t>(e - 1) << 23;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

void dequantize(const BlockMXFP4& b, float* out) {
  const float d = half_of_e8m0(b.e);
  for (int i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(kFp4TwiceCodebook[nibble(b.qs, i)]);
}

template <typename Block>
void dequantize_blocks(const std::byte* stored, int64_t n, int64_t elements, float* out) {
  MANG_CHECK(n % elements == 0);
  for (int64_t i = 0; i < n / elements; ++i) {
    Block block;  // a copy: rows in a file need not be aligned
    std::memcpy(&block, stored + i * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
    dequantize(block, out + i * elements);
  }
}

template <typename Convert>
void widen(const std::byte* stored, int64_t n, float* out, Convert convert) {
  for (int64_t i = 0; i < n; ++i) {
    uint16_t half;
    std::memcpy(&half, stored + 2 * i, sizeof half);
    out[i] = convert(half);
  }
}

}  // namespace

void dequantize_row(DType dtype, const std::byte* stored, int64_t n, float* out) {
  switch (dtype) {
    case DType::F32:
      std::memcpy(out, stored, sizeof(float) * static_cast<size_t>(n));
      return;
    case DType::F16:
      widen(stored, n, out, f32_from_f16);
      return;
    case DType::BF16:
      widen(stored, n, out, f32_from_bf16);
      return;
    case DType::Q4_0:
      dequantize_blocks<BlockQ4_0>(stored, n, kBlock, out);
      return;
    case DType::Q4_1:
      dequantize_blocks<BlockQ4_1>(stored, n, kBlock, out);
      return;
    case DType::Q5_0:
      dequantize_blocks<BlockQ5_0>(stored, n, kBlock, out);
      return;
    case DType::Q5_1:
      dequantize_blocks<BlockQ5_1>(stored, n, kBlock, out);
      return;
    case DType::Q8_0:
      dequantize_blocks<BlockQ8_0>(stored, n, kBlock, out);
      return;
    case DType::Q2_K:
      dequantize_blocks<BlockQ2_K>(stored, n, kSuperBlock, out);
      return;
    case DType::Q3_K:
      dequantize_blocks<BlockQ3_K>(stored, n, kSuperBlock, out);
      return;
    case DType::Q4_K:
      dequantize_blocks<BlockQ4_K>(stored, n, kSuperBlock, out);
      return;
    case DType::Q5_K:
      dequantize_blocks<BlockQ5_K>(stored, n, kSuperBlock, out);
      return;
    case DType::Q6_K:
      dequantize_blocks<BlockQ6_K>(stored, n, kSuperBlock, out);
      return;
    case DType::IQ4_NL:
      dequantize_blocks<BlockIQ4_NL>(stored, n, kBlock, out);
      return;
    case DType::IQ4_XS:
      dequantize_blocks<BlockIQ4_XS>(stored, n, kSuperBlock, out);
      return;
    case DType::MXFP4:
      dequantize_blocks<BlockMXFP4>(stored, n, kBlock, out);
      return;
  }
  MANG_CHECK(false && "dequantize_row: unknown type");
}

}  // namespace mang::reference
