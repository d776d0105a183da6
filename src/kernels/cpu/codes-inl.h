// Packed codes and scales → registers, for every quantized type (packed_layout.h).
#pragma once

#include "kernels/packed_layout.h"

namespace {

using mang::CodeForm;
using mang::DType;
using mang::QuantTraits;
using mang::UnitLayout;

alignas(16) constexpr uint8_t kIq4Unsigned[16] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};
alignas(16) constexpr uint8_t kFp4Unsigned[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

// Group kGroup (4 k) of the block of codes at p.
template <CodeForm kForm, int kGroup>
inline VB load_codes(const uint8_t* p) {
  if constexpr (kForm == CodeForm::bytes) {
    return vb_load(p + 64 * kGroup);
  } else if constexpr (kForm == CodeForm::two_bits || kForm == CodeForm::two_bits_bit) {
    const VB low = vb_and(vb_srl<2 * (kGroup % 4)>(vb_load(p + 64 * (kGroup / 4))), vb_set(3));
    if constexpr (kForm == CodeForm::two_bits) return low;
    const VB plane = vb_load(p + 128);
    const VB high = kGroup >= 2 ? vb_srl<(kGroup >= 2 ? kGroup - 2 : 0)>(plane) : vb_shl<(kGroup < 2 ? 2 - kGroup : 0)>(plane);
    return vb_or(low, vb_and(high, vb_set(4)));
  } else {
    const VB packed = vb_load(p + 64 * (kGroup % 4));
    const VB low = vb_and(kGroup < 4 ? packed : vb_srl<4>(packed), vb_set(15));
    if constexpr (kForm == CodeForm::nibbles) return low;
    if constexpr (kForm == CodeForm::codebook_iq4) return vb_lookup(kIq4Unsigned, low);
    if constexpr (kForm == CodeForm::codebook_fp4) return vb_lookup(kFp4Unsigned, low);
    if constexpr (kForm == CodeForm::nibbles_bit) {
      const VB plane = vb_load(p + 256);
      const VB high = kGroup >= 4 ? vb_srl<(kGroup >= 4 ? kGroup - 4 : 0)>(plane) : vb_shl<(kGroup < 4 ? 4 - kGroup : 0)>(plane);
      return vb_or(low, vb_and(high, vb_set(16)));
    }
    if constexpr (kForm == CodeForm::nibbles_2bits) {
      const VB plane = vb_load(p + 256 + 64 * (kGroup / 4));
      constexpr int kBit = 2 * (kGroup % 4);  // the pair's place; it goes to bits 4 and 5
      const VB high = kBit >= 4 ? vb_srl<(kBit >= 4 ? kBit - 4 : 0)>(plane) : vb_shl<(kBit < 4 ? 4 - kBit : 0)>(plane);
      return vb_or(low, vb_and(high, vb_set(48)));
    }
  }
}

// ws and wm of block b of a tile.
struct BlockScales {
  VF ws[2];
  VF wm[2];
};

// 2^(e − 128) for 16 exponent bytes; e = 0 gives the subnormal 2^−128. (e = 255, NaN, is refused when packing.)
inline VF load_mx_scales(const uint8_t* e) {
  const VI exponent = vi_load_u8(e);
  const VF normal = vf_bits(vi_shl(vi_sub(exponent, vi_set(1)), 23));
  const VF is_small = vf_from_vi(exponent);
  const VF tiny = vf_mul(vf_select_lt(is_small, vf_set(0.5f), vf_set(0x1p-64f), vf_set(0x1p-63f)), vf_set(0x1p-64f));
  return vf_select_lt(is_small, vf_set(1.5f), tiny, normal);
}

// The unit of block b of a tile, and the block's place in it.
template <DType kType>
inline const uint8_t* unit_of(const uint8_t* tile, int64_t b) {
  constexpr UnitLayout u = mang::unit_layout(kType);
  return tile + b / u.blocks * u.bytes;
}
template <DType kType>
inline int in_unit(int64_t b) {
  return static_cast<int>(b % mang::unit_layout(kType).blocks);
}

template <DType kType>
inline const uint8_t* codes_in(const uint8_t* unit, int block) {
  return unit + mang::unit_layout(kType).codes + block * mang::quant_traits(kType).code_bytes();
}

template <DType kType>
inline void load_scales(const uint8_t* unit, int block, BlockScales& s) {
  constexpr QuantTraits t = mang::quant_traits(kType);
  constexpr UnitLayout u = mang::unit_layout(kType);
  const auto* f16_d = reinterpret_cast<const uint16_t*>(unit + (u.d < 0 ? 0 : u.d));
  const auto* f16_m = reinterpret_cast<const uint16_t*>(unit + (u.m < 0 ? 0 : u.m));
  if constexpr (kType == DType::MXFP4) {
    s.ws[0] = load_mx_scales(unit + u.sc + block * 16);
  } else if constexpr (!t.super) {
    s.ws[0] = vf_load_f16(f16_d + block * 16);
    if constexpr (t.mins == 1) s.wm[0] = vf_load_f16(f16_m + block * 16);
  } else {
    const VF d = vf_load_f16(f16_d);
    const uint8_t* sc = unit + u.sc + block * t.subs * 16;
    for (int half = 0; half < t.subs; ++half) {
      if constexpr (kType == DType::Q2_K) {
        alignas(64) uint8_t low[16], high[16];
        for (int i = 0; i < 16; ++i) {
          low[i] = sc[16 * half + i] & 15;
          high[i] = sc[16 * half + i] >> 4;
        }
        s.ws[half] = vf_mul(d, vf_load_u8(low));
        s.wm[half] = vf_neg(vf_mul(vf_load_f16(f16_m), vf_load_u8(high)));
      } else if constexpr (t.signed_sc) {
        s.ws[half] = vf_mul(d, vf_load_i8(reinterpret_cast<const int8_t*>(sc) + 16 * half));
      } else {
        s.ws[half] = vf_mul(d, vf_load_u8(sc + 16 * half));
      }
    }
    if constexpr (t.mins == 1) {
      s.wm[0] = vf_neg(vf_mul(vf_load_f16(f16_m), vf_load_u8(unit + u.mn + block * 16)));
    }
  }
}

// Calls f.template operator()<i>() for i in [0, kCount).
template <int kCount, int kAt = 0, typename F>
inline __attribute__((always_inline)) void unrolled(F&& f) {
  if constexpr (kAt < kCount) {
    f.template operator()<kAt>();
    unrolled<kCount, kAt + 1>(static_cast<F&&>(f));
  }
}

}  // namespace
