// Causal attention over a paged KV cache, with online softmax (Milakov & Gimelshein 2018; Dao et al. 2022).
#pragma once

#include <cstdint>

#include "kernels/device.h"

namespace mang {

enum class KvType { f32, f16, q8_0 };

// One page holds kPagePositions consecutive positions (page p: positions p·64 … p·64 + 63) of one layer:
//   K, for each kv head: [page/16][head_dim][16 positions]   (a lane is a position: scores need no reduction)
//   V, for each kv head: [64 positions][v_head_dim, padded to a multiple of 16]
// f16/f32 elements; q8_0: int8 with one float scale for each (position, 32 elements of head_dim), the scales
// of a head after its elements: K [page/16][head_dim/32][16], V [64][v_head_dim/32]. An element's value is
// scale · int8, rounded to float32; scale = max|x| / 127, int8 = x · (127 / max|x|) rounded to nearest even
// (max|x| < 2^−100: all zero). q8_0 needs head_dim and v_head_dim to be multiples of 32; the others take any.
// Pages are the tiles of the arithmetic: each is reduced on its own, and pages are combined in order.
inline constexpr int64_t kPagePositions = 64;
inline constexpr int64_t kKeyLanes = 16;

struct KvLayout {
  KvType type = KvType::f16;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;    // of K
  int64_t v_head_dim = 0;  // of V

  // Bytes of K and V of one kv head in one page (multiples of 64), and of the page.
  [[nodiscard]] int64_t k_head_bytes() const;
  [[nodiscard]] int64_t v_head_bytes() const;
  [[nodiscard]] int64_t page_bytes() const { return kv_heads * (k_head_bytes() + v_head_bytes()); }
};

// Stores one position of all kv heads into its page: k [kv_heads, head_dim], v [kv_heads, v_head_dim].
// Page layout: all heads' K, then all heads' V. Runs on the calling thread; several threads may store different
// positions at once.
void kv_store(const Device& device, const KvLayout& layout, std::byte* page, int64_t position_in_page, const float* k,
              const float* v);

// The queries of one sequence in this batch.
struct AttentionSlice {
  int64_t queries = 0;                // consecutive positions first_position …
  int64_t first_position = 0;         // K and V are stored up to first_position + queries − 1
  const std::byte* const* pages = nullptr;  // the sequence's page table of this layer
  const float* q = nullptr;           // [queries, heads, head_dim], rows ldq apart
  float* out = nullptr;               // [queries, heads, v_head_dim], rows ldout apart
};

struct AttentionParams {
  int64_t heads = 0;
  int64_t ldq = 0;
  int64_t ldout = 0;
  float scale = 1;         // scores = scale · q·k
  int64_t window = 0;      // 0: all earlier positions; else position p sees (p − window, p]
  float score_cap = 0;     // 0: none; else cap · tanh(score / cap)
};

// heads must be a multiple of kv_heads. Query head h reads kv head h / (heads / kv_heads). For each query and page, in this order:
//   score  = chain of fma along head_dim of q[d]·k[d], then · scale (one multiplication), then soft cap
//   m = max, p = exp(score − m), l = Σ p in 16 lanes (lane = position mod 16) folded 8, 4, 2, 1;
//   o[d] = chain of fma along the page's positions of p·v[d]; masked positions take no part
// pages combined in order from M = −inf, L = 0, O = 0: M' = max(M, m), a = exp(M − M'), b = exp(m − M'), L = fma(L, a, l·b), O = fma(O, a, o·b);
// fully masked pages are skipped; out = O / L.
void attention(const Device& device, const KvLayout& layout, const AttentionParams& params, const AttentionSlice* slices,
               int64_t slice_count);

}  // namespace mang
