// Groups of 16 tokens through tile products (AMX or its emulation). The integers are those of matmul-inl.h — codes are
// unpacked signed, so that a tile gives Σ q·(u − offset) at once — and the float steps are the same chain.
#pragma once

#include "kernels/cpu/matmul-inl.h"
#include "kernels/cpu/quantize_row-inl.h"

namespace {

constexpr int kWideGroup = 16;

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
// The products run kAhead blocks before the float steps that read them, so that neither waits for the other.
template <typename S>
void micro_wide(Tiles& tiles, const uint8_t* unpacked, const Slice& slice, const InputGroup& x, float* partial,
                int64_t row, int rows) {
  constexpr int kParts = S::kSplit ? 2 : 1;
  constexpr int kDepth = 32 / kParts;
  constexpr int kTokens = kWideGroup;
  constexpr int64_t kAhead = 2;
  constexpr int64_t kRing = 4;
  alignas(64) int32_t ring[kRing][kParts][16 * kTokens];
  const auto multiply = [&](int64_t b) __attribute__((always_inline)) {
    const uint8_t* block = unpacked + b * S::kBlockBytes;
    const int64_t k = (slice.first + b) * 32;
    const int8_t* q = x.q + k / 64 * (64 * kTokens) + k % 64;
    tiles.template multiply<0>(q, block, ring[b % kRing][0]);
    if constexpr (S::kSplit) tiles.template multiply<1>(q + kDepth, block + 256, ring[b % kRing][1]);
  };
  VF acc[kTokens];
#pragma GCC unroll 16
  for (int m = 0; m < kTokens; ++m) {
    acc[m] = slice.first == 0 ? vf_zero() : vf_load(partial + 16 * m);
  }
  for (int64_t b = 0; b < kAhead && b < slice.blocks; ++b) multiply(b);
  for (int64_t b = 0; b < slice.blocks; ++b) {
    if (b + kAhead < slice.blocks) multiply(b + kAhead);
    const uint8_t* block = unpacked + b * S::kBlockBytes;
    const float* d = x.d + (slice.first + b) * kParts * kTokens;
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const int32_t* dots = ring[b % kRing][part];
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
  if (slice.last) return put_results(acc, x, row, rows);
#pragma GCC unroll 16
  for (int m = 0; m < kTokens; ++m) vf_store(partial + 16 * m, acc[m]);
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
          float* at = partial + (index * group_count + g) * 16 * kWideGroup;
          micro_wide<S>(tiles, scratch, slice, groups[g], at, 16 * tile, w.rows - 16 * tile);
        }
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

// Wide groups come first (matmul.cpp); what is left goes the narrow way.
void gemm_by_width(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  int wide = 0;
  while (wide < group_count && groups[wide].tokens == kWideGroup) ++wide;
  if (wide > 0) gemm_wide(w, groups, wide, scratch);
  if (wide < group_count) gemm(w, groups + wide, group_count - wide, scratch);
}

}  // namespace
