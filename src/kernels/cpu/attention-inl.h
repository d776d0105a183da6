// Attention over one task (attention_kernels.h) on the 16-lane vector. Include after a vec_*-inl.h, math-inl.h and what
// an instruction set gives: kBlockRows, the queries that share each K and V vector loaded; columns(rows), the vectors
// of 16 positions (or elements of V) worked on together with so many rows; exp_of_score(x), vf_exp for x ≤ 0 or NaN.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/attention_product-inl.h"
#include "kernels/cpu/attention_store-inl.h"

namespace {

using mang::cpu::AttentionTask;
using mang::cpu::partial_stride;

constexpr int kKeyGroups = 4;  // of 16 positions in a page

// Positions of a page that one query sees.
struct Span {
  int64_t from;
  int64_t to;
};

inline int64_t clamp_to_page(int64_t x) { return x < 0 ? 0 : x > kPageRows ? kPageRows : x; }

inline Span visible(const AttentionTask& task, int64_t position, int64_t page) {
  const int64_t start = page * kPageRows;
  return {task.window > 0 ? clamp_to_page(position - task.window + 1 - start) : 0, clamp_to_page(position + 1 - start)};
}

// scores [64] of one query → weights exp(score − m), 0 where masked; l is their sum. `groups` of 16 were computed.
inline void softmax_row(const AttentionTask& task, Span span, int64_t groups, float* scores, float* m, float* l) {
  const VF lowest = vf_set(-__builtin_inff());
  const VF factor = vf_set(task.scale);
  const bool whole = span.from == 0 && span.to == kPageRows;
  VF s[kKeyGroups];
  VF largest = lowest;
#pragma GCC unroll 4
  for (int g = 0; g < kKeyGroups; ++g) {
    if (g < groups) {
      s[g] = vf_mul(vf_load(scores + 16 * g), factor);
      if (task.score_cap != 0) {
        const VF cap = vf_set(task.score_cap);
        s[g] = vf_mul(cap, vf_tanh(vf_div(s[g], cap)));
      }
      if (!whole) {
        s[g] =
            vf_keep(s[g], static_cast<int>(span.from) - 16 * g, static_cast<int>(span.to) - 16 * g, -__builtin_inff());
      }
    } else {
      s[g] = lowest;
    }
    largest = vf_max(largest, s[g]);
  }
  *m = vf_max_lane(largest);
  const VF shift = vf_set(*m);
  VF sum = vf_zero();
#pragma GCC unroll 4
  for (int g = 0; g < kKeyGroups; ++g) {
    const VF weight = exp_of_score(vf_sub(s[g], shift));
    vf_store(scores + 16 * g, weight);
    sum = vf_add(sum, weight);
  }
  *l = vf_sum(sum);
}

// --- a head's K and V of one page as float32 ---

inline void widen_f16(const uint16_t* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += 16) vf_store(to + i, vf_load_f16(from + i));
}

inline void widen_k_q8(const int8_t* from, const float* scales, int64_t head_dim, int64_t groups, float* to) {
  for (int64_t block = 0; block < groups * head_dim / kScaleGroup; ++block, scales += 16) {
    const VF scale = vf_load(scales);
    for (int64_t d = 0; d < kScaleGroup; ++d, from += 16, to += 16) vf_store(to, vf_mul(scale, vf_load_i8(from)));
  }
}

inline void widen_v_q8(const int8_t* from, const float* scales, int64_t blocks, float* to) {
  for (int64_t block = 0; block < blocks; ++block, from += kScaleGroup, to += kScaleGroup) {
    const VF scale = vf_set(scales[block]);
    vf_store(to, vf_mul(scale, vf_load_i8(from)));
    vf_store(to + 16, vf_mul(scale, vf_load_i8(from + 16)));
  }
}

// --- a task ---

// Rows are worked on in blocks. A block holds whole tokens where a token's group fits, else an even part of one.
struct Blocks {
  int64_t rows;    // of all
  int64_t tokens;  // in a block, when parts is 1
  int64_t parts;   // of a token's group
  int64_t group;
  int64_t count;

  explicit Blocks(const AttentionTask& task) {
    group = task.group;
    rows = task.tokens * group;
    parts = (group + kBlockRows - 1) / kBlockRows;
    tokens = parts == 1 ? kBlockRows / group : 1;
    count = parts == 1 ? (task.tokens + tokens - 1) / tokens : task.tokens * parts;
  }
  int64_t first(int64_t block) const {
    if (parts == 1) {
      const int64_t row = block * tokens * group;
      return row < rows ? row : rows;
    }
    return block / parts * group + block % parts * group / parts;
  }
};

// Scratch of a task, in floats.
struct Workspace {
  float* k;        // [4][head_dim][16]
  float* v;        // [64][padded v_head_dim]
  float* q;        // blocks of [head_dim][rows of the block]
  float* weights;  // [rows][64]
  float* O;        // [rows][padded v_head_dim]
  float* o;        // [kBlockRows][padded v_head_dim]
  float* M;        // [rows]
  float* L;        // [rows]
  float* m;        // [rows] of the page at hand
  float* l;        // [rows]

  Workspace(const AttentionTask& task, int64_t rows) {
    const int64_t v_row = padded_to_16(task.kv.v_head_dim);
    const int64_t padded_rows = padded_to_16(rows) + 16;
    float* at = task.scratch;
    const auto take = [&at](int64_t n) {
      float* p = at;
      at += n;
      return p;
    };
    k = take(kPageRows * task.kv.head_dim);
    v = take(kPageRows * v_row);
    weights = take(rows * kPageRows);
    O = take(rows * v_row);
    o = take(kBlockRows * v_row);
    q = take(padded_to_16(rows * task.kv.head_dim));
    M = take(padded_rows);
    L = take(padded_rows);
    m = take(padded_rows);
    l = take(padded_rows);
  }
};

inline void pack_queries(const AttentionTask& task, const Blocks& blocks, float* packed) {
  for (int64_t block = 0; block < blocks.count; ++block) {
    const int64_t first = blocks.first(block);
    const int64_t rows = blocks.first(block + 1) - first;
    float* to = packed + first * task.kv.head_dim;
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t row = first + r;
      const float* from = task.q + row / task.group * task.ldq + row % task.group * task.kv.head_dim;
      for (int64_t d = 0; d < task.kv.head_dim; ++d) to[d * rows + r] = from[d];
    }
  }
}

// What of a page is at work: rows [first, end) see some of its positions [from, to).
struct PageWork {
  int64_t page;
  int64_t first_row;
  int64_t end_row;
  Span span;

  PageWork(const AttentionTask& task, int64_t p) : page(p) {
    const int64_t start = p * kPageRows;
    int64_t first = start - task.first_position;  // the first token that is not before the page
    int64_t end = task.window > 0 ? start + kPageRows - 1 + task.window - task.first_position : task.tokens;
    if (first < 0) first = 0;
    if (end > task.tokens) end = task.tokens;
    first_row = first * task.group;
    end_row = end * task.group;
    span = {0, 0};
    if (first < end) {
      span = {visible(task, task.first_position + first, p).from, visible(task, task.first_position + end - 1, p).to};
    }
  }
  int64_t groups() const { return (span.to + 15) / 16; }
};

inline Span row_span(const AttentionTask& task, int64_t row, int64_t page) {
  return visible(task, task.first_position + row / task.group, page);
}

template <typename T>
inline void score_page(const AttentionTask& task, const Blocks& blocks, const PageWork& work, const T* k, Ahead ahead,
                       Workspace& ws) {
  for (int64_t block = 0; block < blocks.count; ++block) {
    const int64_t first = blocks.first(block);
    const int64_t end = blocks.first(block + 1);
    if (end <= work.first_row || first >= work.end_row) continue;
    const Vectors<T> vectors = {k, 16, 16 * task.kv.head_dim};
    score_rows<kBlockRows>(end - first, ws.q + first * task.kv.head_dim, vectors, task.kv.head_dim, work.groups(),
                           ws.weights + first * kPageRows, ahead);
    for (int64_t row = first; row < end; ++row) {
      if (row < work.first_row || row >= work.end_row) continue;
      softmax_row(task, row_span(task, row, work.page), work.groups(), ws.weights + row * kPageRows, ws.m + row,
                  ws.l + row);
    }
  }
}

// Weighted sums of V of the rows [first, end) of one block, all of them at work, into o; true if they went into `fold`
// instead. The positions that all of them see are done together; what only some see comes before (a window's edge)
// and after (the diagonal).
template <typename T>
inline bool sum_block(const AttentionTask& task, const PageWork& work, int64_t first, int64_t end, Vectors<T> v,
                      const float* weights, float* o, int64_t ldo, Ahead ahead, Fold fold) {
  const int64_t vectors = padded_to_16(task.kv.v_head_dim) / 16;
  const auto one_row = [&](int64_t row, int64_t from, int64_t to, bool add) {
    sum_rows<1>(1, weights + row * kPageRows, v, from, to, vectors, o + (row - first) * ldo, ldo, add, ahead, kNoFold);
  };
  const Span low = row_span(task, first, work.page);
  const Span high = row_span(task, end - 1, work.page);
  const Span common = {high.from, low.to};  // later rows start and end later
  if (common.from >= common.to) {
    for (int64_t row = first; row < end; ++row) {
      const Span span = row_span(task, row, work.page);
      one_row(row, span.from, span.to, false);
    }
    return false;
  }
  const bool before = low.from < common.from;
  const bool after = high.to > common.to;
  if (before) {
    for (int64_t row = first; row < end; ++row) one_row(row, row_span(task, row, work.page).from, common.from, false);
  }
  sum_rows<kBlockRows>(end - first, weights + first * kPageRows, v, common.from, common.to, vectors, o, ldo, before,
                       ahead, after ? kNoFold : fold);
  if (!after) return fold.O != nullptr;
  for (int64_t row = first; row < end; ++row) {
    const int64_t to = row_span(task, row, work.page).to;
    if (to > common.to) one_row(row, common.to, to, true);
  }
  return false;
}

// How the sums so far and those of a page combine, for the rows [first, end) (at most 16); M and L move on.
struct Factors {
  float old_factors[16];
  float new_factors[16];
};
inline void combine_weights(int64_t first, int64_t end, Workspace& ws, Factors& factors) {
  const VF before = vf_load(ws.M + first);
  const VF page = vf_load(ws.m + first);
  const VF larger = vf_max(before, page);
  const VF a = exp_of_score(vf_sub(before, larger));
  const VF b = exp_of_score(vf_sub(page, larger));
  vf_store(factors.old_factors, a);
  vf_store(factors.new_factors, b);
  const int rows = static_cast<int>(end - first);
  const VF L = vf_fma(vf_load(ws.L + first), a, vf_mul(vf_load(ws.l + first), b));
  vf_store_n(ws.L + first, L, rows);
  vf_store_n(ws.M + first, larger, rows);
}

inline void fold_rows(const Fold& fold, int64_t rows, const float* o, int64_t v_row) {
  for (int64_t r = 0; r < rows; ++r, o += v_row) {
    float* O = fold.O + r * fold.ldo;
    const VF old_factor = vf_set(fold.old_factors[r]);
    const VF new_factor = vf_set(fold.new_factors[r]);
    for (int64_t d = 0; d < v_row; d += 16) {
      vf_store(O + d, vf_fma(vf_load(O + d), old_factor, vf_mul(vf_load(o + d), new_factor)));
    }
  }
}

template <typename T>
inline void sum_page(const AttentionTask& task, const Blocks& blocks, const PageWork& work, const T* v, Ahead ahead,
                     Workspace& ws) {
  const int64_t v_row = padded_to_16(task.kv.v_head_dim);
  const int64_t stride = partial_stride(task.kv.v_head_dim);
  const Vectors<T> vectors = {v, v_row, 16};
  for (int64_t block = 0; block < blocks.count; ++block) {
    int64_t first = blocks.first(block);
    int64_t end = blocks.first(block + 1);
    if (first < work.first_row) first = work.first_row;
    if (end > work.end_row) end = work.end_row;
    if (first >= end) continue;
    if (task.partials == nullptr) {
      Factors factors;
      combine_weights(first, end, ws, factors);
      const Fold fold = {ws.O + first * v_row, v_row, factors.old_factors, factors.new_factors};
      if (!sum_block(task, work, first, end, vectors, ws.weights, ws.o, v_row, ahead, fold)) {
        fold_rows(fold, end - first, ws.o, v_row);
      }
      continue;
    }
    float* record = task.partials + ((work.page - task.first_page) * blocks.rows + first) * stride;
    sum_block(task, work, first, end, vectors, ws.weights, record, stride, ahead, kNoFold);
    for (int64_t row = first; row < end; ++row, record += stride) {
      record[v_row] = ws.m[row];
      record[v_row + 1] = ws.l[row];
    }
  }
}

inline void divide_row(const float* O, float L, int64_t n, float* out) {
  const VF divisor = vf_set(L);
  int64_t d = 0;
  for (; d + 16 <= n; d += 16) vf_store(out + d, vf_div(vf_load(O + d), divisor));
  if (const int rest = static_cast<int>(n - d); rest > 0) vf_store_n(out + d, vf_div(vf_load(O + d), divisor), rest);
}

inline int64_t element_bytes(KvElement element) {
  return element == KvElement::f32 ? 4 : element == KvElement::f16 ? 2 : 1;
}

// One page. K and V are widened to float32 once where several blocks of rows share them; float16 for one block is
// widened as it is used. While K is at work V is fetched, and the next page's K while V is.
inline void attend_page(const AttentionTask& task, const Blocks& blocks, const PageWork& work, Workspace& ws) {
  const KvHead& kv = task.kv;
  const std::byte* k = task.pages[work.page] + kv.k_offset;
  const std::byte* v = task.pages[work.page] + kv.v_offset;
  const int64_t next = work.page + 1 < task.page_end ? work.page + 1 : work.page;
  const int64_t v_row = padded_to_16(kv.v_head_dim);
  const int64_t first_v = work.span.from * v_row;
  const int64_t count_v = (work.span.to - work.span.from) * v_row;
  const int64_t step = 16 * element_bytes(kv.element);
  const Ahead v_ahead = {v + first_v * element_bytes(kv.element), step};
  const Ahead k_ahead = {task.pages[next] + kv.k_offset, step};
  switch (kv.element) {
    case KvElement::f32:
      score_page(task, blocks, work, reinterpret_cast<const float*>(k), v_ahead, ws);
      sum_page(task, blocks, work, reinterpret_cast<const float*>(v), k_ahead, ws);
      return;
    case KvElement::f16: {
      const auto* k16 = reinterpret_cast<const uint16_t*>(k);
      const auto* v16 = reinterpret_cast<const uint16_t*>(v);
      if (blocks.count == 1) {
        score_page(task, blocks, work, k16, v_ahead, ws);
        sum_page(task, blocks, work, v16, k_ahead, ws);
        return;
      }
      widen_f16(k16, work.groups() * 16 * kv.head_dim, ws.k);
      score_page(task, blocks, work, ws.k, v_ahead, ws);
      widen_f16(v16 + first_v, count_v, ws.v + first_v);
      sum_page(task, blocks, work, ws.v, k_ahead, ws);
      return;
    }
    case KvElement::q8_0: {
      const auto* k8 = reinterpret_cast<const int8_t*>(k);
      const auto* v8 = reinterpret_cast<const int8_t*>(v);
      const auto* k_scales = reinterpret_cast<const float*>(k + kPageRows * kv.head_dim);
      const auto* v_scales = reinterpret_cast<const float*>(v + kPageRows * v_row);
      widen_k_q8(k8, k_scales, kv.head_dim, work.groups(), ws.k);
      score_page(task, blocks, work, ws.k, v_ahead, ws);
      widen_v_q8(v8 + first_v, v_scales + first_v / kScaleGroup, count_v / kScaleGroup, ws.v + first_v);
      sum_page(task, blocks, work, ws.v, k_ahead, ws);
      return;
    }
  }
}

inline void attend_task(const AttentionTask& task) {
  const Blocks blocks(task);
  Workspace ws(task, blocks.rows);
  const int64_t v_row = padded_to_16(task.kv.v_head_dim);
  pack_queries(task, blocks, ws.q);
  for (int64_t row = 0; row < padded_to_16(blocks.rows) + 16; ++row) {
    ws.M[row] = ws.m[row] = -__builtin_inff();
    ws.L[row] = ws.l[row] = 0;
  }
  if (task.partials == nullptr) {
    for (int64_t i = 0; i < blocks.rows * v_row; i += 16) vf_store(ws.O + i, vf_zero());
  }
  for (int64_t page = task.first_page; page < task.page_end; ++page) {
    const PageWork work(task, page);
    if (work.first_row < work.end_row) attend_page(task, blocks, work, ws);
  }
  if (task.partials != nullptr) return;
  for (int64_t row = 0; row < blocks.rows; ++row) {
    float* out = task.out + row / task.group * task.ldout + row % task.group * task.kv.v_head_dim;
    divide_row(ws.O + row * v_row, ws.L[row], task.kv.v_head_dim, out);
  }
}

// out takes 16 elements of O at a time through all pages, the factors having been found first.
inline void combine_partials(const float* partials, int64_t stride, int64_t pages, int64_t v_head_dim, float* factors,
                             float* out) {
  const int64_t v_row = padded_to_16(v_head_dim);
  VF M = vf_set(-__builtin_inff());
  VF L = vf_zero();
  for (int64_t page = 0; page < pages; ++page) {
    const float* record = partials + page * stride;
    const VF m = vf_set(record[v_row]);
    const VF l = vf_set(record[v_row + 1]);
    const VF larger = vf_max(M, m);
    const VF a = vf_exp(vf_sub(M, larger));
    const VF b = vf_exp(vf_sub(m, larger));
    L = vf_fma(L, a, vf_mul(l, b));
    M = larger;
    vf_store_n(factors + 2 * page, a, 1);
    vf_store_n(factors + 2 * page + 1, b, 1);
  }
  for (int64_t d = 0; d < v_row; d += 16) {
    VF O = vf_zero();
    for (int64_t page = 0; page < pages; ++page) {
      const VF o = vf_load(partials + page * stride + d);
      O = vf_fma(O, vf_set(factors[2 * page]), vf_mul(o, vf_set(factors[2 * page + 1])));
    }
    const int rest = v_head_dim - d < 16 ? static_cast<int>(v_head_dim - d) : 16;
    if (rest == 16) {
      vf_store(out + d, vf_div(O, L));
    } else {
      vf_store_n(out + d, vf_div(O, L), rest);
    }
  }
}

}  // namespace

#define MANG_ATTENTION_TABLE \
  { attend_task, combine_partials, store_position }
