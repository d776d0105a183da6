// Quantized matmul of one instruction set, over vec_*-inl.h and dot_*-inl.h. A lane is an output row; its chain of
// roundings (docs/arithmetic.md) is the same in direct and gemm, for any number of tokens, tiles and threads.
#pragma once

#include "kernels/cpu/codes-inl.h"
#include "kernels/cpu/matmul_kernels.h"

namespace {

using mang::cpu::InputGroup;
using mang::cpu::WeightTiles;

// What the inner loop needs to know of a type. Types that agree in it share their code.
template <bool kSplitInput, int kSubCount, int kMinCount, int kLargestCode>
struct Spec {
  static constexpr bool kSplit = kSplitInput;  // x has one scale for 16, not for 32
  static constexpr int kSubs = kSubCount;
  static constexpr int kMins = kMinCount;
  static constexpr int kMaxCode = kLargestCode;
  static constexpr int kScales = kDotBias != 0 ? 2 : 1;  // vectors stored for each sub-block scale
  static constexpr int64_t kBlockBytes = 512 + 64 * (kSubs * kScales + kMins);  // one block, unpacked
};

constexpr int code_class(int max_code) {
  return kDotBias != 0 ? 0 : max_code <= 15 ? 15 : max_code <= 31 ? 31 : max_code <= 63 ? 63 : 255;
}

template <DType kType>
using SpecOf = Spec<mang::quant_traits(kType).input_block == 16, mang::quant_traits(kType).subs,
                    mang::quant_traits(kType).mins, code_class(mang::quant_traits(kType).max_code)>;

inline VF load_rows(const float* y, int rows) { return rows >= 16 ? vf_load(y) : vf_load_n(y, rows); }
inline void store_rows(float* y, VF v, int rows) {
  if (rows >= 16) {
    vf_store(y, v);
  } else {
    vf_store_n(y, v, rows);
  }
}

// The results of one tile × one group.
template <int kTokens>
inline void put_results(const VF (&acc)[kTokens], const InputGroup& x, int64_t row, int rows) {
  if (kTokens % 2 == 0 && x.pairs) {
#pragma GCC unroll 8
    for (int m = 0; m < kTokens / 2; ++m) store_rows(x.y + m * x.ldy + row, vf_add(acc[m], acc[m + kTokens / 2]), rows);
    return;
  }
#pragma GCC unroll 16
  for (int m = 0; m < kTokens; ++m) store_rows(x.y + m * x.ldy + row, acc[m], rows);
}

constexpr int kPrefetchBytes = 2048;  // measured: bench/kernels/matmul_bench.cpp, one token

// The lines that will be read while the block this far ahead is worked on: the hardware prefetcher stops at each 4 KiB
// page, this does not.
template <DType kType>
inline void prefetch_ahead(const uint8_t* unit, int block) {
  constexpr UnitLayout u = mang::unit_layout(kType);
  constexpr int kLines = (u.bytes / 64 + u.blocks - 1) / u.blocks;
  const uint8_t* at = unit + kPrefetchBytes + block * (kLines * 64);
  for (int line = 0; line < kLines; ++line) __builtin_prefetch(at + 64 * line);
}

// ---- few tokens: packed weights read directly -----------------------------------------------------------------------

// One tile × one group.
template <DType kType, int kTokens>
void direct_tile(const WeightTiles& w, int tile, const InputGroup& x) {
  using S = SpecOf<kType>;
  constexpr QuantTraits t = mang::quant_traits(kType);
  constexpr int kParts = S::kSplit ? 2 : 1;
  constexpr int kSteps = 8 / kParts;
  const int64_t blocks = w.cols / 32;
  const uint8_t* base = w.data + tile * w.tile_bytes;
  VF acc[kTokens];
#pragma GCC unroll 8
  for (int m = 0; m < kTokens; ++m) acc[m] = vf_zero();
  for (int64_t b = 0; b < blocks; ++b) {
    const uint8_t* unit = unit_of<kType>(base, b);
    const int in = in_unit<kType>(b);
    const uint8_t* codes = codes_in<kType>(unit, in);
    prefetch_ahead<kType>(unit, in);
    BlockScales s;
    load_scales<kType>(unit, in, s);
    unrolled<kParts>([&]<int part>() __attribute__((always_inline)) {
      const int64_t block = (kParts * b + part) * kTokens;
      Dot<S::kMaxCode> dots[kTokens];
#pragma GCC unroll 8
      for (int m = 0; m < kTokens; ++m) dots[m].begin(x.init + block + m);
      unrolled<kSteps>([&]<int i>() __attribute__((always_inline)) {
        const VB group = load_codes<t.form, part * kSteps + i>(codes);
#pragma GCC unroll 8
        for (int m = 0; m < kTokens; ++m) {
          dots[m].template step<i>(group, act_load(x.q + ((8 * b + part * kSteps + i) * kTokens + m) * 4));
        }
      });
      const Scale scale = scale_of(s.ws[S::kSubs == 2 ? part : 0]);
#pragma GCC unroll 8
      for (int m = 0; m < kTokens; ++m) {
        acc[m] = vf_fma(dot_scaled(dots[m].end(), scale), vf_set(x.d[block + m]), acc[m]);
      }
    });
#pragma GCC unroll 2
    for (int i = 0; i < S::kMins; ++i) {
#pragma GCC unroll 8
      for (int m = 0; m < kTokens; ++m) {
        acc[m] = vf_fma(s.wm[i], vf_set(x.sum[(S::kMins * b + i) * kTokens + m]), acc[m]);
      }
    }
  }
  put_results(acc, x, 16 * tile, w.rows - 16 * tile);
}

template <DType kType>
void direct_type(const WeightTiles& w, const InputGroup* groups, int group_count) {
  for (int tile = 0; tile < w.tiles; ++tile) {
    for (int g = 0; g < group_count; ++g) {
      unrolled<kDirectGroup>([&]<int i>() __attribute__((always_inline)) {
        if (groups[g].tokens == i + 1) direct_tile<kType, i + 1>(w, tile, groups[g]);
      });
    }
  }
}

// ---- several tokens: weights unpacked once into scratch ------------------------------------------------------------

// An unpacked block: 8 groups of 64 code bytes; for each sub-block its Scale; the minimums.
template <DType kType>
void unpack_blocks(const WeightTiles& w, int tile, int64_t first, int64_t count, uint8_t* to) {
  using S = SpecOf<kType>;
  constexpr QuantTraits t = mang::quant_traits(kType);
  const uint8_t* base = w.data + tile * w.tile_bytes;
  for (int64_t b = 0; b < count; ++b, to += S::kBlockBytes) {
    const uint8_t* unit = unit_of<kType>(base, first + b);
    const int in = in_unit<kType>(first + b);
    const uint8_t* codes = codes_in<kType>(unit, in);
    prefetch_ahead<kType>(unit, in);
    unrolled<8>([&]<int i>() __attribute__((always_inline)) { vb_store(to + 64 * i, load_codes<t.form, i>(codes)); });
    BlockScales s;
    load_scales<kType>(unit, in, s);
    uint8_t* at = to + 512;
    for (int sub = 0; sub < t.subs; ++sub, at += sizeof(Scale)) {
      const Scale scale = scale_of(s.ws[sub]);
      __builtin_memcpy(at, &scale, sizeof(Scale));
    }
    for (int m = 0; m < t.mins; ++m, at += 64) vf_store(reinterpret_cast<float*>(at), s.wm[m]);
  }
}

// Where a run of blocks stands in its product: the chains of its rows and tokens go on from one slice to the next in
// `partial` [tile][token][16], and end in the group's y.
struct Slice {
  int64_t first = 0;  // block
  int64_t blocks = 0;
  bool last = false;
};

// Packed weights that will be unpacked next: fetched while blocks are multiplied, so that memory is never idle and
// unpacking never waits.
struct Ahead {
  const uint8_t* tile[2] = {};
  int64_t lines = 0;  // of each tile, with each block
};

// kTiles tiles × kTokens tokens over the slice's unpacked blocks. kFetch is apart because its few instructions cost
// many tokens, whose weights are long there, up to a tenth of their speed.
template <typename S, int kTiles, int kTokens, bool kFetch>
void micro(const uint8_t* const* unpacked, const Slice& slice, const InputGroup& x, float* partial, int64_t row,
           int rows, Ahead ahead) {
  constexpr int kParts = S::kSplit ? 2 : 1;
  constexpr int kSteps = 8 / kParts;
  VF acc[kTiles][kTokens];
#pragma GCC unroll 2
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 8
    for (int m = 0; m < kTokens; ++m) {
      acc[t][m] = slice.first == 0 ? vf_zero() : vf_load(partial + (t * kTokens + m) * 16);
    }
  }
  const int8_t* q = x.q + slice.first * 32 * kTokens;
  const float* d = x.d + slice.first * kParts * kTokens;
  const int32_t* init = x.init + slice.first * kParts * kTokens;
  const float* sum = S::kMins > 0 ? x.sum + slice.first * S::kMins * kTokens : nullptr;
  for (int64_t b = 0; b < slice.blocks; ++b) {
    if constexpr (kFetch) {
      for (int64_t line = b * ahead.lines; line < (b + 1) * ahead.lines; ++line) {
        for (int t = 0; t < kTiles; ++t) __builtin_prefetch(ahead.tile[t] + 64 * line, 0, 2);
      }
    }
    unrolled<kParts>([&]<int part>() __attribute__((always_inline)) {
      Dot<S::kMaxCode> dots[kTiles][kTokens];
#pragma GCC unroll 8
      for (int m = 0; m < kTokens; ++m) {
#pragma GCC unroll 2
        for (int t = 0; t < kTiles; ++t) dots[t][m].begin(init + part * kTokens + m);
      }
      unrolled<kSteps>([&]<int i>() __attribute__((always_inline)) {
        VB codes[kTiles];
#pragma GCC unroll 2
        for (int t = 0; t < kTiles; ++t)
          codes[t] = vb_load(unpacked[t] + b * S::kBlockBytes + 64 * (part * kSteps + i));
#pragma GCC unroll 8
        for (int m = 0; m < kTokens; ++m) {
          const Act a = act_load(q + ((part * kSteps + i) * kTokens + m) * 4);
#pragma GCC unroll 2
          for (int t = 0; t < kTiles; ++t) dots[t][m].template step<i>(codes[t], a);
        }
      });
#pragma GCC unroll 2
      for (int t = 0; t < kTiles; ++t) {
        const uint8_t* at = unpacked[t] + b * S::kBlockBytes + 512;
        const Scale scale = load_scale(at + (S::kSubs == 2 ? part : 0) * sizeof(Scale));
#pragma GCC unroll 8
        for (int m = 0; m < kTokens; ++m) {
          acc[t][m] = vf_fma(dot_scaled(dots[t][m].end(), scale), vf_set(d[part * kTokens + m]), acc[t][m]);
        }
      }
    });
    if constexpr (S::kMins > 0) {
#pragma GCC unroll 2
      for (int t = 0; t < kTiles; ++t) {
        const auto* wm =
            reinterpret_cast<const float*>(unpacked[t] + b * S::kBlockBytes + 512 + S::kSubs * sizeof(Scale));
#pragma GCC unroll 2
        for (int i = 0; i < S::kMins; ++i) {
          const VF minimum = vf_load(wm + 16 * i);
#pragma GCC unroll 8
          for (int m = 0; m < kTokens; ++m) acc[t][m] = vf_fma(minimum, vf_set(sum[i * kTokens + m]), acc[t][m]);
        }
      }
      sum += S::kMins * kTokens;
    }
    q += 32 * kTokens;
    d += kParts * kTokens;
    init += kParts * kTokens;
  }
  if (!slice.last) {
#pragma GCC unroll 2
    for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 8
      for (int m = 0; m < kTokens; ++m) vf_store(partial + (t * kTokens + m) * 16, acc[t][m]);
    }
    return;
  }
#pragma GCC unroll 2
  for (int t = 0; t < kTiles; ++t) put_results(acc[t], x, row + 16 * t, rows - 16 * t);
}

template <typename S, int kTiles, bool kFetch>
void micro_group(const uint8_t* const* unpacked, const Slice& slice, const InputGroup& x, float* partial, int64_t row,
                 int rows, Ahead ahead) {
  if (x.tokens < 1 || x.tokens > kMaxGroup) __builtin_trap();
  unrolled<kMaxGroup>([&]<int i>() __attribute__((always_inline)) {
    if (x.tokens == i + 1) micro<S, kTiles, i + 1, kFetch>(unpacked, slice, x, partial, row, rows, ahead);
  });
}

// Calls visit(tile, slice, index of the tile among those together) for all tiles of w, kStep at a time, in the order
// that keeps a slice of the tokens in the cache for kTilesTogether tiles.
template <int kStep, typename Visit>
inline __attribute__((always_inline)) void for_slices(const WeightTiles& w, Visit&& visit) {
  constexpr int64_t kMostBlocks = mang::cpu::kSliceCols / 32;
  constexpr int kTogether = mang::cpu::kTilesTogether;
  const int64_t blocks = w.cols / 32;
  const int64_t slices = (blocks + kMostBlocks - 1) / kMostBlocks;
  const int64_t slice_blocks = (blocks + slices - 1) / slices;
  for (int begin = 0; begin < w.tiles; begin += kTogether) {
    const int end = w.tiles - begin < kTogether ? w.tiles : begin + kTogether;
    for (int64_t first = 0; first < blocks; first += slice_blocks) {
      const int64_t count = blocks - first < slice_blocks ? blocks - first : slice_blocks;
      const Slice slice{first, count, first + count == blocks};
      for (int tile = begin; tile < end; tile += kStep) visit(tile, slice, tile - begin);
    }
  }
}

// The packed bytes that are unpacked after those of this tile and slice: the part of them that is fetched with this
// group.
template <DType kType>
inline Ahead ahead_of(const WeightTiles& w, int tile, const Slice& slice, int group, int group_count) {
  constexpr UnitLayout u = mang::unit_layout(kType);
  const int64_t slice_lines = slice.blocks * (u.bytes / 64) / u.blocks;
  constexpr int kTogether = mang::cpu::kTilesTogether;
  int next = tile + kRowTiles;
  int64_t block = slice.first;
  if (next % kTogether == 0 || next >= w.tiles) {  // the first tile of the next slice, or of the tiles after these
    next = slice.last ? next : tile / kTogether * kTogether;
    block = slice.last ? 0 : slice.first + slice.blocks;
  }
  const int64_t lines = 1 + slice_lines / (group_count * slice.blocks);
  const int64_t done = group * lines * slice.blocks;
  if (done >= slice_lines || next + kRowTiles > w.tiles) return {};
  const uint8_t* at = unit_of<kType>(w.data + next * w.tile_bytes, block) + 64 * done;
  return {{at, at + (kRowTiles - 1) * w.tile_bytes}, lines};
}

template <DType kType>
void gemm_type(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  using S = SpecOf<kType>;
  constexpr int kFetchedGroups = 12;
  auto* const partial = reinterpret_cast<float*>(scratch + 2 * mang::cpu::kUnpackedTile);
  for_slices<kRowTiles>(
      w, [&](int tile, const Slice& slice, int index) __attribute__((always_inline)) {
        const bool full = tile + kRowTiles <= w.tiles;
        const int64_t stride = slice.blocks * S::kBlockBytes;
        const uint8_t* unpacked[2] = {scratch, scratch + stride};
        for (int t = 0; t < (full ? kRowTiles : 1); ++t) {
          unpack_blocks<kType>(w, tile + t, slice.first, slice.blocks, scratch + t * stride);
        }
        float* at = partial + index * group_count * (16 * kMaxGroup);
        const int row = 16 * tile;
        const int rows = w.rows - row;
        for (int g = 0; g < group_count; ++g) {
          if (!full) {
            micro_group<S, 1, false>(unpacked, slice, groups[g], at, row, rows, {});
          } else if (group_count <= kFetchedGroups) {
            const Ahead ahead = ahead_of<kType>(w, tile, slice, g, group_count);
            micro_group<S, kRowTiles, true>(unpacked, slice, groups[g], at, row, rows, ahead);
          } else {
            micro_group<S, kRowTiles, false>(unpacked, slice, groups[g], at, row, rows, {});
          }
          at += (full ? kRowTiles : 1) * 16 * kMaxGroup;
        }
      });
}

#define MANG_FOR_QUANT_TYPES(X) \
  X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q8_0) X(Q2_K) X(Q3_K) X(Q4_K) X(Q5_K) X(Q6_K) X(IQ4_NL) X(IQ4_XS) X(MXFP4)

void direct(const WeightTiles& w, const InputGroup* groups, int group_count) {
  switch (w.dtype) {
#define X(T)     \
  case DType::T: \
    return direct_type<DType::T>(w, groups, group_count);
    MANG_FOR_QUANT_TYPES(X)
#undef X
    default:
      __builtin_trap();
  }
}

void gemm(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch) {
  switch (w.dtype) {
#define X(T)     \
  case DType::T: \
    return gemm_type<DType::T>(w, groups, group_count, scratch);
    MANG_FOR_QUANT_TYPES(X)
#undef X
    default:
      __builtin_trap();
  }
}

}  // namespace
