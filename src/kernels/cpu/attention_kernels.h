// The attention kernels of one instruction set. Raw pointers only: the table is filled in ISA objects.
// Meaning and arithmetic: kernels/attention.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mang::cpu {

enum class KvElement { f32, f16, q8_0 };  // KvType, without its header

// One kv head inside a page.
struct KvHead {
  KvElement element;
  int64_t head_dim;
  int64_t v_head_dim;
  int64_t k_offset;  // bytes from the start of the page
  int64_t v_offset;
};

// Work of one thread: the queries of one kv head for some consecutive tokens, over some pages. A row is one query of
// one head; row = token · group + head.
struct AttentionTask {
  KvHead kv;
  const std::byte* const* pages;  // the sequence's page table
  int64_t first_page;
  int64_t page_end;
  const float* q;  // of the first token and head; rows of a token are head_dim apart
  int64_t ldq;     // between tokens
  int64_t group;   // heads
  int64_t tokens;
  int64_t first_position;
  float scale;
  int64_t window;   // 0: none
  float score_cap;  // 0: none
  // Results: either all pages are here and `out` takes the answer, or `partials` takes what each page gave:
  // [page − first_page][row][partial_stride(v_head_dim)] (m at the end, then l).
  float* out;
  int64_t ldout;
  float* partials;
  float* scratch;  // attention_scratch(…) floats, 64-byte aligned
};

inline constexpr int64_t kPageRows = 64;      // positions of a page
inline constexpr int64_t kMaxTaskRows = 128;  // tokens · group is at most this, or one token

constexpr int64_t padded_to_16(int64_t n) { return (n + 15) / 16 * 16; }
constexpr int64_t partial_stride(int64_t v_head_dim) { return padded_to_16(v_head_dim) + 16; }

// Floats of scratch for a task of so many rows: a page of K and of V as float32, queries, weights, sums.
constexpr int64_t attention_scratch(int64_t rows, int64_t head_dim, int64_t v_head_dim) {
  constexpr int64_t kMostBlockRows = 16;
  const int64_t v_row = padded_to_16(v_head_dim);
  return kPageRows * (head_dim + v_row) + rows * (kPageRows + v_row + head_dim) + kMostBlockRows * v_row + 16 +
         4 * (padded_to_16(rows) + 16);
}

// Pages [first, end) that a query at this position sees.
struct PageRange {
  int64_t first;
  int64_t end;
};
constexpr PageRange visible_pages(int64_t position, int64_t window) {
  const int64_t from = window > 0 && position >= window ? position - window + 1 : 0;
  return {from / kPageRows, position / kPageRows + 1};
}

struct AttentionKernels {
  void (*attend)(const AttentionTask& task);
  // One row's partials of consecutive pages, `stride` floats apart, combined in order into out [v_head_dim].
  // factors: [2 · pages] of scratch.
  void (*combine)(const float* partials, int64_t stride, int64_t pages, int64_t v_head_dim, float* factors, float* out);
  // One position of one kv head.
  void (*store)(const KvHead& kv, std::byte* page, int64_t position, const float* k, const float* v);
};

extern const AttentionKernels kAttentionGeneric;
extern const AttentionKernels kAttentionAvx2;    // also for AVX-VNNI
extern const AttentionKernels kAttentionAvx512;  // also for AMX

}  // namespace mang::cpu
