// The small product that scores and weighted sums of V are both made of: row r of C gains a[r][k] · B[k] for k in
// order, one chain of fma for each element. K is stored so that B[k] is 16 positions of element k of the head, V so
// that it is 16 elements of position k. Include after a vec_*-inl.h, kBlockRows and columns(rows).
#pragma once

#include <cstddef>
#include <cstdint>

namespace {

using mang::cpu::kPageRows;

inline VF load_vector(const float* p) { return vf_load(p); }
inline VF load_vector(const uint16_t* p) { return vf_load_f16(p); }

// B: vectors of 16, at [k · k_stride + j · j_stride].
template <typename T>
struct Vectors {
  const T* data;
  int64_t k_stride;
  int64_t j_stride;

  Vectors from_k(int64_t k) const { return {data + k * k_stride, k_stride, j_stride}; }
  Vectors from_j(int64_t j) const { return {data + j * j_stride, k_stride, j_stride}; }
};

// Memory wanted soon: fetched into the cache bit by bit while something else is computed. A page's K and V lie apart
// and are short, which is too little for the processor to see the pattern by itself.
struct Ahead {
  const std::byte* at;
  int64_t step;  // bytes for each vector of B
};

// Where the sums of a page go when they are complete: O[r] = fma(O[r], old_factor[r], sum · new_factor[r]).
// O null: they stay in C.
struct Fold {
  float* O;
  int64_t ldo;
  const float* old_factors;
  const float* new_factors;
};
constexpr Fold kNoFold = {nullptr, 0, nullptr, nullptr};

inline void fetch_ahead(const std::byte* at) { __builtin_prefetch(at, 0, 2); }  // into the second-level cache

// C[r][16 j] (rows ldc apart) += Σ_k a[r · A_ROW + k · A_K] · B[k][j] for R rows and J vectors.
template <int R, int J, int A_ROW, int A_K, typename T>
inline Ahead fma_block(const float* a, Vectors<T> b, int64_t K, float* c, int64_t ldc, bool add, Ahead ahead,
                       Fold fold) {
  VF sum[R][J];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) sum[r][j] = add ? vf_load(c + r * ldc + 16 * j) : vf_zero();
  }
  const T* vectors = b.data;
  const std::byte* fetch = ahead.at;
  for (int64_t k = 0; k < K; ++k, vectors += b.k_stride, a += A_K, fetch += J * ahead.step) {
    VF v[J];
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) v[j] = load_vector(vectors + j * b.j_stride);
    fetch_ahead(fetch);
    if constexpr (J >= 4) fetch_ahead(fetch + 64);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const VF x = vf_set(a[r * A_ROW]);
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) sum[r][j] = vf_fma(x, v[j], sum[r][j]);
    }
  }
  if (fold.O != nullptr) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const VF old_factor = vf_set(fold.old_factors[r]);
      const VF new_factor = vf_set(fold.new_factors[r]);
      float* O = fold.O + r * fold.ldo;
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) {
        vf_store(O + 16 * j, vf_fma(vf_load(O + 16 * j), old_factor, vf_mul(sum[r][j], new_factor)));
      }
    }
    return {fetch, ahead.step};
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) vf_store(c + r * ldc + 16 * j, sum[r][j]);
  }
  return {fetch, ahead.step};
}

template <int R, int A_ROW, int A_K, typename T>
inline void fma_columns(const float* a, Vectors<T> b, int64_t K, int64_t vectors, float* c, int64_t ldc, bool add,
                        Ahead ahead, Fold fold) {
  constexpr int J = columns(R);
  const auto fold_at = [&fold](int64_t j) {
    return fold.O == nullptr ? kNoFold : Fold{fold.O + 16 * j, fold.ldo, fold.old_factors, fold.new_factors};
  };
  int64_t j = 0;
  for (; j + J <= vectors; j += J) {
    ahead = fma_block<R, J, A_ROW, A_K>(a, b.from_j(j), K, c + 16 * j, ldc, add, ahead, fold_at(j));
  }
  for (; j < vectors; ++j) {
    ahead = fma_block<R, 1, A_ROW, A_K>(a, b.from_j(j), K, c + 16 * j, ldc, add, ahead, fold_at(j));
  }
}

// Scores of `rows` queries packed [head_dim][rows].
template <int R, typename T>
inline void score_rows(int64_t rows, const float* q, Vectors<T> k, int64_t head_dim, int64_t groups, float* scores,
                       Ahead ahead) {
  if constexpr (R > 0) {
    if (rows == R) {
      fma_columns<R, 1, R>(q, k, head_dim, groups, scores, kPageRows, false, ahead, kNoFold);
    } else {
      score_rows<R - 1>(rows, q, k, head_dim, groups, scores, ahead);
    }
  }
}

// Weighted sums of V over positions [from, to); p: rows of kPageRows weights.
template <int R, typename T>
inline void sum_rows(int64_t rows, const float* p, Vectors<T> v, int64_t from, int64_t to, int64_t vectors, float* o,
                     int64_t ldo, bool add, Ahead ahead, Fold fold) {
  if constexpr (R > 0) {
    if (rows == R) {
      fma_columns<R, kPageRows, 1>(p + from, v.from_k(from), to - from, vectors, o, ldo, add, ahead, fold);
    } else {
      sum_rows<R - 1>(rows, p, v, from, to, vectors, o, ldo, add, ahead, fold);
    }
  }
}

}  // namespace
