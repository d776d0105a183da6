// Groups of 16 tokens through tile products (AMX or its emulation). The integers are those of matmul-inl.h — codes are
// unpacked signed, so that a tile gives Σ q·(u − offset) at once — and the float steps are the same chain.
#pragma once

#include "kernels/cpu/matmul-inl.h"
#include "kernels/cpu/quantize_row-inl.h"

namespace {

constexpr int kWideGroup = 16;
constexpr int kWideResults = 16 * kWideGroup;  // of one tile

inline void make_codes_signed(uint8_t* blocks, int64_t count, int64_t block_bytes, int offset) {
  const VB minus = vb_set(static_cast<uint8_t>(offset));
  for (int64_t b = 0; b < count; ++b) {
    for (int i = 0; i < 8; ++i) {
      uint8_t* at = blocks + b * block_bytes + 64 * i;
      vb_store(at, vb_sub(vb_load(at), minus));
    }
  }
}

// One tile of rows × 16 tokens over the slice's unpacked, signed blocks, continuing the chains in `partial` [16][16].
// All products of the slice come first, then all float steps: beside tile instructions float steps take almost twice as
// long (docs/measurements.md, "What the kernels reach"). next: the codes of the group that follows, fetched meanwhile.
template <typename S>
void micro_wide(Tiles& tiles, const uint8_t* unpacked, const Slice& slice, const InputGroup& x, float* partial,
                const int8_t* next) {
  constexpr int kParts = S::kSplit ? 2 : 1;
  constexpr int kDepth = 32 / kParts;
  constexpr int kTokens = kWideGroup;
  alignas(64) int32_t products[mang::cpu::kSliceCols / 32][kParts][16 * kTokens];
  const auto multiply = [&](int64_t b) __attribute__((always_inline)) {
    const uint8_t* block = unpacked + b * S::kBlockBytes;
    const int64_t k = (slice.first + b) * 32;
    const int8_t* q = x.q + k / 64 * (64 * kTokens) + k % 64;
    tiles.template multiply<0>(q, block, products[b][0]);
    if constexpr (S::kSplit) tiles.template multiply<1>(q + kDepth, block + 256, products[b][1]);
  };
  VF acc[kTokens];
#pragma GCC unroll 16
  for (int m = 0; m < kTokens; ++m) {
    acc[m] = slice.first == 0 ? vf_zero() : vf_load(partial + 16 * m);
  }
  for (int64_t b = 0; b < slice.blocks; ++b) multiply(b);
  for (int64_t b = 0; b < slice.blocks; ++b) {
    const uint8_t* block = unpacked + b * S::kBlockBytes;
    const float* d = x.d + (slice.first + b) * kParts * kTokens;
    const int8_t* fetched = next + (slice.first + b) * (32 * kTokens);
    for (int line = 0; line < kTokens / 2; ++line) __builtin_prefetch(fetched + 64 * line);
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const int32_t* dots = products[b][part];
      const VF ws = load_scale(block + 512 + (S::kSubs == 2 ? part : 0) * sizeof(Scale)).ws;
#pragma GCC unroll 16
      for (int m = 0; m < kTokens; ++m) {
        acc[m] = vf_fma(vf_mul(vf_from_vi(vi_load(dots + 16 * m)), ws), vf_set(d[part * kTokens + m]), acc[m]);
      }
    }
    const auto* wm = reinterpret_cast<const float*>(block + 512 + S::kSubs * sizeof(Scale));
#pragma GCC unroll 2
    for (int i = 0; i < S::kMins; ++i) {
      const VF minimum = vf_load(wm + 16 * i);
      const float* sum = x.sum + ((slice.first + b) * S::kMins + i) * kTokens;
#pragma GCC unroll 16
      for (int m = 0; m < kTokens; ++m) acc[m] = vf_fma(minimum, vf_set(sum[m]), acc[m]);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < kTokens; ++m) vf_store(partial + 16 * m, acc[m]);
}

// The finished chains of `count` tiles in `partial` [tile][group][16][16], row by row of y. Tile by tile would be 16
// short stores far apart, and the tiles' own stores would queue behind them: a quarter of the time.
inline void put_wide_results(const WeightTiles& w, int first, int count, const InputGroup* groups, int group_count,
                             const float* partial) {
  for (int g = 0; g < group_count; ++g) {
    const InputGroup& x = groups[g];
    const int tokens = x.pairs ? kWideGroup / 2 : kWideGroup;
    for (int m = 0; m < tokens; ++m) {
      for (int t = 0; t < count; ++t) {
        const float* from = partial + (t * group_count + g) * kWideResults + 16 * m;
        const VF result = vf_load(from);
        const int row = 16 * (first + t);
        store_rows(x.y + m * x.ldy + row, x.pairs ? vf_add(result, vf_load(from + 16 * tokens)) : result, w.rows - row);
      }
    }
  }
}

template <DType kType>
void gemm_wide_type(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  using S = SpecOf<kType>;
  constexpr QuantTraits t = mang::quant_traits(kType);
  Tiles tiles(S::kSplit ? 16 : 32);
  auto* const partial = reinterpret_cast<float*>(scratch + 2 * mang::cpu::kUnpackedTile);
  for_slices<1>(
      w, [&](int tile, const Slice& slice, int index) __attribute__((always_inline)) {
        unpack_blocks<kType>(w, tile, slice.first, slice.blocks, scratch);
        if constexpr (t.offset != 0) make_codes_signed(scratch, slice.blocks, S::kBlockBytes, t.offset);
        for (int g = 0; g < group_count; ++g) {
          const int8_t* next = groups[g + 1 < group_count ? g + 1 : 0].q;
          micro_wide<S>(tiles, scratch, slice, groups[g], partial + (index * group_count + g) * kWideResults, next);
        }
        const bool last_together = tile + 1 == w.tiles || index + 1 == mang::cpu::kTilesTogether;
        if (slice.last && last_together) put_wide_results(w, tile - index, index + 1, groups, group_count, partial);
      });
}

void gemm_wide(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  switch (w.dtype) {
#define X(T)     \
  case DType::T: \
    return gemm_wide_type<DType::T>(w, groups, group_count, scratch);
    MANG_FOR_QUANT_TYPES(X)
#undef X
    default:
      __builtin_trap();
  }
}

// Wide groups come first (matmul_input.cpp); what is left goes the narrow way.
void gemm_by_width(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  int wide = 0;
  while (wide < group_count && groups[wide].tokens == kWideGroup) ++wide;
  if (wide > 0) gemm_wide(w, groups, wide, scratch);
  if (wide < group_count) gemm(w, groups + wide, group_count - wide, scratch);
}

}  // namespace
