// Float input: float weights as they are, quantized weights through dequantization (exact arithmetic). A lane is an
// output row: one fma chain along k, restarted every 256, the parts added in order.
#pragma once

#include "kernels/cpu/matmul-inl.h"

namespace {

constexpr int64_t kFloatSliceCols = 512;  // a multiple of 256, where chains restart
static_assert(kFloatSliceCols * 64 <= mang::cpu::kUnpackedTile);

template <DType kType>
inline VF load_weights(const uint8_t* p) {
  if constexpr (kType == DType::F32) return vf_load(reinterpret_cast<const float*>(p));
  if constexpr (kType == DType::F16) return vf_load_f16(reinterpret_cast<const uint16_t*>(p));
  if constexpr (kType == DType::BF16) return vf_load_bf16(reinterpret_cast<const uint16_t*>(p));
}

// One tile × kTokens tokens of a group, from `slot` on, over columns [first, first + cols), first a multiple of 256,
// continuing the sums in y.
template <DType kType, int kTokens>
void micro_float(const uint8_t* weights, int64_t cols, int64_t first, const InputGroup& x, int slot, int64_t row, int rows) {
  constexpr int64_t kBytes = 16 * (kType == DType::F32 ? 4 : 2);
  VF acc[kTokens];
  for (int m = 0; m < kTokens; ++m) {
    acc[m] = first == 0 ? vf_zero() : load_rows(x.y + (slot + m) * x.ldy + row, rows);
  }
  for (int64_t k0 = 0; k0 < cols; k0 += 256) {
    const int64_t end = cols - k0 < 256 ? cols : k0 + 256;
    VF part[kTokens];
    for (int m = 0; m < kTokens; ++m) part[m] = vf_zero();
    const float* in = x.x + (first + k0) * x.tokens + slot;
    for (int64_t k = k0; k < end; ++k, in += x.tokens) {
      const VF w = load_weights<kType>(weights + k * kBytes);
#pragma GCC unroll 8
      for (int m = 0; m < kTokens; ++m) part[m] = vf_fma(w, vf_set(in[m]), part[m]);
    }
    for (int m = 0; m < kTokens; ++m) acc[m] = vf_add(acc[m], part[m]);
  }
  for (int m = 0; m < kTokens; ++m) store_rows(x.y + (slot + m) * x.ldy + row, acc[m], rows);
}

template <DType kType>
void micro_float_group(const uint8_t* weights, int64_t cols, int64_t first, const InputGroup& x, int64_t row, int rows) {
  for (int slot = 0; slot < x.tokens;) {
    const int left = x.tokens - slot;
    const int n = left > kMaxGroup ? kMaxGroup : left;
    unrolled<kMaxGroup>([&]<int i>() __attribute__((always_inline)) {
      if (n == i + 1) micro_float<kType, i + 1>(weights, cols, first, x, slot, row, rows);
    });
    slot += n;
  }
}

template <DType kType>
void gemm_float_type(const WeightTiles& w, const InputGroup* groups, int group_count) {
  constexpr int64_t kBytes = 16 * (kType == DType::F32 ? 4 : 2);
  for (int64_t first = 0; first < w.cols; first += kFloatSliceCols) {
    const int64_t cols = w.cols - first < kFloatSliceCols ? w.cols - first : kFloatSliceCols;
    for (int tile = 0; tile < w.tiles; ++tile) {
      const uint8_t* weights = w.data + tile * w.tile_bytes + first * kBytes;
      for (int g = 0; g < group_count; ++g) {
        micro_float_group<kType>(weights, cols, first, groups[g], 16 * tile, w.rows - 16 * tile);
      }
    }
  }
}

// Blocks [first, first + count) of a quantized tile as float [k][16]: ws · (u − offset) + wm, two roundings.
template <DType kType>
void dequantize_blocks(const WeightTiles& w, int tile, int64_t first, int64_t count, float* to) {
  constexpr QuantTraits t = mang::quant_traits(kType);
  const uint8_t* base = w.data + tile * w.tile_bytes;
  for (int64_t b = first; b < first + count; ++b) {
    const uint8_t* unit = unit_of<kType>(base, b);
    const int in = in_unit<kType>(b);
    BlockScales s;
    load_scales<kType>(unit, in, s);
    alignas(64) uint8_t codes[8][64];
    unrolled<8>([&]<int i>() __attribute__((always_inline)) {
      vb_store(codes[i], load_codes<t.form, i>(codes_in<kType>(unit, in)));
    });
    for (int k = 0; k < 32; ++k, to += 16) {
      alignas(64) int32_t u[16];
      for (int row = 0; row < 16; ++row) u[row] = codes[k / 4][4 * row + k % 4] - t.offset;
      const VF product = vf_mul(s.ws[t.subs == 2 ? k / 16 : 0], vf_from_vi(vi_load(u)));
      vf_store(to, t.mins == 0 ? product : vf_add(product, s.wm[t.mins == 2 ? k / 16 : 0]));
    }
  }
}

template <DType kType>
void gemm_exact_type(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  constexpr int64_t kSliceBlocks = kFloatSliceCols / 32;
  auto* dequantized = reinterpret_cast<float*>(scratch);
  for (int64_t first = 0; first < w.cols / 32; first += kSliceBlocks) {
    const int64_t count = w.cols / 32 - first < kSliceBlocks ? w.cols / 32 - first : kSliceBlocks;
    for (int tile = 0; tile < w.tiles; ++tile) {
      dequantize_blocks<kType>(w, tile, first, count, dequantized);
      for (int g = 0; g < group_count; ++g) {
        micro_float_group<DType::F32>(scratch, count * 32, first * 32, groups[g], 16 * tile, w.rows - 16 * tile);
      }
    }
  }
}

void gemm_float(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  switch (w.dtype) {
    case DType::F32: return gemm_float_type<DType::F32>(w, groups, group_count);
    case DType::F16: return gemm_float_type<DType::F16>(w, groups, group_count);
    case DType::BF16: return gemm_float_type<DType::BF16>(w, groups, group_count);
#define X(T) \
  case DType::T: return gemm_exact_type<DType::T>(w, groups, group_count, scratch);
      MANG_FOR_QUANT_TYPES(X)
#undef X
    default: __builtin_trap();
  }
}

}  // namespace
