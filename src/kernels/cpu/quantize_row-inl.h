// x of one token → int8 blocks. The plain definition: reference::quantize_block.
#pragma once

namespace {

constexpr float kSmallestInput = 1e-30f;
constexpr int kBlocksAtOnce = 16;  // a lane is a block

// True where no value is an infinity or NaN: 0 · x is then 0 in every lane.
inline bool all_finite(const float* x, int64_t K) {
  VF zero[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};  // four chains: one would wait for itself
  int64_t k = 0;
  for (; k + 64 <= K; k += 64) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) zero[i] = vf_fma(vf_load(x + k + 16 * i), vf_zero(), zero[i]);
  }
  for (; k < K; k += 16) zero[0] = vf_fma(vf_load(x + k), vf_zero(), zero[0]);
  return vf_sum(vf_add(vf_add(zero[0], zero[1]), vf_add(zero[2], zero[3]))) == 0;
}

// `count` blocks of kHalves · 16 elements.
template <int kHalves>
inline void quantize_blocks(const float* x, int count, int8_t* q, float* d, int32_t* sums) {
  VF each[kBlocksAtOnce];
  for (int b = 0; b < kBlocksAtOnce; ++b) {
    if (b >= count) {
      each[b] = vf_zero();
      continue;
    }
    each[b] = vf_abs(vf_load(x + b * kHalves * 16));
    if (kHalves == 2) each[b] = vf_max(each[b], vf_abs(vf_load(x + b * 32 + 16)));
  }
  const VF largest = vf_fold_each(each, [](VF a, VF b) { return vf_max(a, b); });
  const VF least = vf_set(kSmallestInput);
  const VF scale = vf_select_lt(largest, least, vf_zero(), vf_div(largest, vf_set(127.0f)));
  const VF inverse = vf_select_lt(largest, least, vf_zero(), vf_div(vf_set(127.0f), largest));
  alignas(64) float by_block[kBlocksAtOnce];
  vf_store(by_block, inverse);
  for (int b = 0; b < count; ++b) {
    VF sum = vf_zero();
    for (int half = 0; half < kHalves; ++half) {
      const int64_t k = (b * kHalves + half) * 16;
      const VI values = vi_round(vf_mul(vf_load(x + k), vf_set(by_block[b])));
      vi_store_i8(q + k, values);
      sum = vf_add(sum, vf_from_vi(values));  // exact: small integers
    }
    each[b] = sum;
  }
  const VI total = vi_round(vf_fold_each(each, [](VF a, VF b) { return vf_add(a, b); }));
  vf_store_n(d, scale, count);
  alignas(64) int32_t totals[kBlocksAtOnce];
  vi_store(totals, total);
  std::memcpy(sums, totals, sizeof(int32_t) * static_cast<size_t>(count));
}

void quantize_row(const float* x, int64_t K, int input_block, int8_t* q, float* d, int32_t* sums) {
  const int64_t blocks = K / input_block;
  if (!all_finite(x, K)) {
    std::memset(q, 0, static_cast<size_t>(K));
    for (int64_t b = 0; b < blocks; ++b) {
      d[b] = __builtin_nanf("");
      sums[b] = 0;
    }
    return;
  }
  for (int64_t b = 0; b < blocks; b += kBlocksAtOnce) {
    const int count = static_cast<int>(blocks - b < kBlocksAtOnce ? blocks - b : kBlocksAtOnce);
    if (input_block == 32) {
      quantize_blocks<2>(x + b * 32, count, q + b * 32, d + b, sums + b);
    } else {
      quantize_blocks<1>(x + b * 16, count, q + b * 16, d + b, sums + b);
    }
  }
}

void residual_row(const float* x, const int8_t* q, const float* d, int64_t K, int input_block, float* rest) {
  for (int64_t k = 0; k < K; k += 16) {
    vf_store(rest + k, vf_fma(vf_set(-d[k / input_block]), vf_load_i8(q + k), vf_load(x + k)));
  }
}

}  // namespace
