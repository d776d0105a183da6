// x of one token → int8 blocks, written to its slot of a group. The plain definition: reference::quantize_block.
#pragma once

namespace {

constexpr float kSmallestInput = 1e-30f;

struct BlockScale { float d, inverse; };

inline BlockScale block_scale(float largest) {
  if (!(largest >= kSmallestInput)) return {0, 0};
  return {largest / 127.0f, 127.0f / largest};
}

// Puts 16 quantized values (k from k0) into the slot and returns their sum.
inline int32_t put_16(VF x, float inverse, int64_t k0, int group, int slot, bool wide, int8_t* q) {
  alignas(64) int8_t v[16];
  vi_store_i8(v, vi_round(vf_mul(x, vf_set(inverse))));
  if (wide) {
    std::memcpy(q + (k0 / 64 * group + slot) * 64 + k0 % 64, v, 16);
  } else {
    for (int i = 0; i < 4; ++i) std::memcpy(q + ((k0 / 4 + i) * group + slot) * 4, v + 4 * i, 4);
  }
  int32_t sum = 0;
  for (int i = 0; i < 16; ++i) sum += v[i];
  return sum;
}

// True where no value is an infinity or NaN: 0 · x is then 0 in every lane.
inline bool all_finite(const float* x, int64_t K) {
  VF zero = vf_zero();
  for (int64_t k = 0; k < K; k += 16) zero = vf_fma(vf_load(x + k), vf_zero(), zero);
  return vf_sum(zero) == 0;
}

inline void quantize_row_impl(const float* x, int64_t K, int input_block, int group, int slot, bool wide, int8_t* q,
                              float* d, int32_t* sums) {
  const bool finite = all_finite(x, K);
  for (int64_t k = 0; k < K; k += input_block) {
    const int64_t block = k / input_block;
    VF largest = vf_abs(vf_load(x + k));
    if (input_block == 32) largest = vf_max(largest, vf_abs(vf_load(x + k + 16)));
    BlockScale scale = finite ? block_scale(vf_max_lane(largest)) : BlockScale{0, 0};
    int32_t sum = 0;
    for (int half = 0; half < input_block; half += 16) {
      const VF values = finite ? vf_load(x + k + half) : vf_zero();
      sum += put_16(values, scale.inverse, k + half, group, slot, wide, q);
    }
    d[block * group + slot] = finite ? scale.d : __builtin_nanf("");
    sums[block * group + slot] = sum;
  }
}

void residual_row(const float* x, int64_t K, int input_block, float* rest) {
  for (int64_t k = 0; k < K; k += input_block) {
    VF largest = vf_abs(vf_load(x + k));
    if (input_block == 32) largest = vf_max(largest, vf_abs(vf_load(x + k + 16)));
    const BlockScale scale = block_scale(vf_max_lane(largest));
    for (int half = 0; half < input_block; half += 16) {
      const VF values = vf_load(x + k + half);
      const VF q = vf_from_vi(vi_round(vf_mul(values, vf_set(scale.inverse))));
      vf_store(rest + k + half, vf_fma(vf_set(-scale.d), q, values));
    }
  }
}

}  // namespace
