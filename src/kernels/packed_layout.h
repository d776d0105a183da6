// How a packed weight matrix lies in memory, and what each quantized type means. Shared by the packer, the kernels of
// every instruction set and the exact-mode dequantizer. docs/arithmetic.md, "Packed weights".
//
// A tile is 16 rows. Along k a tile is cut into blocks of 32, each block into 8 groups of 4 consecutive k.
// A group unpacked is 64 bytes: byte 4·row + (k mod 4) holds an unsigned code u, and the weight is
//     w = ws · (u − offset) + wm        ws, wm: one for each row and sub-block of 16 or 32
// A quantized tile is a sequence of units, so that it is read as one stream from beginning to end. A unit holds what
// scales `blocks` blocks, then their codes (a multiple of 64 bytes each), aligned to 64 bytes:
//     d   f16 [blocks, or 1 of a K-quant][16]
//     m   f16 [the same][16]                 only where the type has minimums
//     sc  byte [blocks · subs][16]           only K-quants (and MXFP4: its exponents)
//     mn  byte [blocks][16]                  only Q4_K and Q5_K (Q2_K keeps scale and minimum in one byte of sc)
// A float tile: [k][16] elements.
#pragma once

#include <cstdint>

#include "tensor/block_formats.h"
#include "tensor/dtype.h"

namespace mang {

inline constexpr int kTileRows = 16;
inline constexpr int kGroupBytes = 64;
inline constexpr int kGroupsPerBlock = 8;

// How the codes of one block lie (16 rows × 32 k): vectors of 64 bytes, byte 4·row + (k mod 4) in each.
enum class CodeForm : uint8_t {
  nibbles,        // 4 vectors; vector v: low nibble group v, high nibble group v + 4
  nibbles_bit,    // 4 + 1: bit g of the fifth vector is bit 4 of group g
  nibbles_2bits,  // 4 + 2: bits 2·(g mod 4) of vector 4 + g/4 are bits 4–5 of group g
  two_bits,       // 2: bits 2·(g mod 4) of vector g/4
  two_bits_bit,   // 2 + 1: bit g of the third vector is bit 2 of group g
  bytes,          // 8: u itself
  codebook_iq4,   // as nibbles; u = kIq4Codebook[nibble] + 128
  codebook_fp4,   // as nibbles; u = kFp4TwiceCodebook[nibble] + 12
};

constexpr int code_bytes_of(CodeForm form) {
  switch (form) {
    case CodeForm::nibbles_bit:
      return 5 * 64;
    case CodeForm::nibbles_2bits:
      return 6 * 64;
    case CodeForm::two_bits:
      return 2 * 64;
    case CodeForm::two_bits_bit:
      return 3 * 64;
    case CodeForm::bytes:
      return 8 * 64;
    default:
      return 4 * 64;
  }
}

struct QuantTraits {
  CodeForm form;
  int offset;       // u − offset is the signed code
  int max_code;     // the largest u
  bool super;       // d (and m) once for 256, with byte scales sc
  int subs;         // scales in a block of 32: 1 or 2
  bool signed_sc;   // sc is int8 (K-quants with signed scales), else uint8
  int mins;         // minimums in a block: 0, 1 or 2
  int input_block;  // elements of x that share a scale: 16 or 32

  [[nodiscard]] constexpr int code_bytes() const { return code_bytes_of(form); }
};

constexpr QuantTraits quant_traits(DType dtype) {
  switch (dtype) {
    //                              form                 offset max  super subs  signed mins input
    case DType::Q4_0:
      return {CodeForm::nibbles, 8, 15, false, 1, false, 0, 16};
    case DType::Q4_1:
      return {CodeForm::nibbles, 0, 15, false, 1, false, 1, 16};
    case DType::Q5_0:
      return {CodeForm::nibbles_bit, 16, 31, false, 1, false, 0, 32};
    case DType::Q5_1:
      return {CodeForm::nibbles_bit, 0, 31, false, 1, false, 1, 32};
    case DType::Q8_0:
      return {CodeForm::bytes, 128, 255, false, 1, false, 0, 32};
    case DType::Q2_K:
      return {CodeForm::two_bits, 0, 3, true, 2, false, 2, 16};
    case DType::Q3_K:
      return {CodeForm::two_bits_bit, 4, 7, true, 2, true, 0, 16};
    case DType::Q4_K:
      return {CodeForm::nibbles, 0, 15, true, 1, false, 1, 32};
    case DType::Q5_K:
      return {CodeForm::nibbles_bit, 0, 31, true, 1, false, 1, 32};
    case DType::Q6_K:
      return {CodeForm::nibbles_2bits, 32, 63, true, 2, true, 0, 16};
    case DType::IQ4_NL:
      return {CodeForm::codebook_iq4, 128, 241, false, 1, false, 0, 32};
    case DType::IQ4_XS:
      return {CodeForm::codebook_iq4, 128, 241, true, 1, true, 0, 32};
    case DType::MXFP4:
      return {CodeForm::codebook_fp4, 12, 24, false, 1, false, 0, 32};
    default:
      return {};  // float types have no quantized form
  }
}

// Byte offsets inside a unit of a quantized tile; −1: it has none.
struct UnitLayout {
  int blocks = 0;
  int d = -1;
  int m = -1;
  int sc = -1;
  int mn = -1;
  int codes = 0;
  int bytes = 0;  // a multiple of 64
};

constexpr UnitLayout unit_layout(DType dtype) {
  const QuantTraits traits = quant_traits(dtype);
  const bool mx = dtype == DType::MXFP4;
  UnitLayout u;
  u.blocks = traits.super ? kSuperBlock / kBlock : mx ? 4 : 2;  // little or no padding to 64 bytes
  const int halves = (traits.super ? 1 : u.blocks) * 32;        // bytes of d, and of m
  int at = 0;
  const auto take = [&at](int bytes) {
    const int here = at;
    at += bytes;
    return here;
  };
  if (!mx) u.d = take(halves);
  if (traits.mins > 0) u.m = take(halves);
  if (traits.super || mx) u.sc = take(u.blocks * traits.subs * 16);
  if (traits.super && traits.mins == 1) u.mn = take(u.blocks * 16);
  u.codes = (at + 63) / 64 * 64;
  u.bytes = u.codes + u.blocks * traits.code_bytes();
  return u;
}

constexpr int64_t tile_bytes(DType dtype, int64_t cols) {
  if (is_float(dtype)) return (cols * kTileRows * (dtype == DType::F32 ? 4 : 2) + 63) / 64 * 64;
  const UnitLayout u = unit_layout(dtype);
  return (cols / kBlock + u.blocks - 1) / u.blocks * u.bytes;
}

}  // namespace mang
