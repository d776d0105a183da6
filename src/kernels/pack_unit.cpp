#include "kernels/pack_unit.h"

#include <cstring>

#include "kernels/stored_scales.h"

namespace mang {
namespace {

using Codes = uint8_t __attribute__((vector_size(16)));    // of 16 consecutive k
using Groups = uint32_t __attribute__((vector_size(16)));  // the same: 4 groups of 4 k

Codes load_codes(const uint8_t* p) {
  Codes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// 16 bits, each in the byte of its place.
Codes spread_bits(const uint8_t* bits) {
  constexpr Codes kPlace = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8_t a = bits[0], b = bits[1];
  const Codes both = {a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b};
  return reinterpret_cast<Codes>((both & kPlace) == kPlace) & 1;
}

// The nibbles of 32 elements that lie as Q4_0's: element i low in byte i, element i + 16 high.
Codes nibbles(const uint8_t* qs, int half) {
  const Codes both = load_codes(qs);
  return half == 0 ? both & 15 : both >> 4;
}

// The stored codes of elements [16 · half, 16 · half + 16) of a block; of codebook types the index.
template <DType kType>
Codes stored_codes(const std::byte* row, int64_t block, int half) {
  const int64_t super = block / 8;
  const auto j = static_cast<uint8_t>(block % 8);
  const auto of_pair = [&](const uint8_t* qs) {  // 64 elements: the first 32 low, the others high
    return (load_codes(qs + 32 * (j / 2) + 16 * half) >> static_cast<uint8_t>(4 * (j % 2))) & 15;
  };
  const auto two_bits = [&](const uint8_t* qs) {
    return (load_codes(qs + 32 * (j / 4) + 16 * half) >> static_cast<uint8_t>(2 * (j % 4))) & 3;
  };
  if constexpr (kType == DType::Q4_0 || kType == DType::IQ4_NL) {
    return nibbles(stored_block<BlockQ4_0>(row, block).qs, half);
  } else if constexpr (kType == DType::Q4_1) {
    return nibbles(stored_block<BlockQ4_1>(row, block).qs, half);
  } else if constexpr (kType == DType::Q5_0 || kType == DType::Q5_1) {
    const auto& b = stored_block<std::conditional_t<kType == DType::Q5_0, BlockQ5_0, BlockQ5_1>>(row, block);
    return nibbles(b.qs, half) | (spread_bits(b.qh + 2 * half) << 4);
  } else if constexpr (kType == DType::Q8_0) {
    const auto& b = stored_block<BlockQ8_0>(row, block);
    return load_codes(reinterpret_cast<const uint8_t*>(b.qs) + 16 * half) ^ 128;
  } else if constexpr (kType == DType::MXFP4) {
    return nibbles(stored_block<BlockMXFP4>(row, block).qs, half);
  } else if constexpr (kType == DType::Q2_K) {
    return two_bits(stored_block<BlockQ2_K>(row, super).qs);
  } else if constexpr (kType == DType::Q3_K) {
    const auto& b = stored_block<BlockQ3_K>(row, super);
    return two_bits(b.qs) | (((load_codes(b.hmask + 16 * half) >> j) & 1) << 2);
  } else if constexpr (kType == DType::Q4_K) {
    return of_pair(stored_block<BlockQ4_K>(row, super).qs);
  } else if constexpr (kType == DType::Q5_K) {
    const auto& b = stored_block<BlockQ5_K>(row, super);
    return of_pair(b.qs) | (((load_codes(b.qh + 16 * half) >> j) & 1) << 4);
  } else if constexpr (kType == DType::Q6_K) {
    const auto& b = stored_block<BlockQ6_K>(row, super);
    const int quarter = j % 4;  // of 128 elements
    const Codes low = load_codes(b.ql + 64 * (j / 4) + 32 * (quarter % 2) + 16 * half);
    const Codes high = load_codes(b.qh + 32 * (j / 4) + 16 * half) >> static_cast<uint8_t>(2 * quarter);
    return ((low >> static_cast<uint8_t>(4 * (quarter / 2))) & 15) | ((high & 3) << 4);
  } else {
    static_assert(kType == DType::IQ4_XS);
    return nibbles(stored_block<BlockIQ4_XS>(row, super).qs + 16 * j, half);
  }
}

// Group g of the row's 16 k goes to vector first + g.
void put_groups(Codes codes, int first, uint8_t* at) {
  for (int g = 0; g < 4; ++g) std::memcpy(at + 64 * (first + g), reinterpret_cast<const uint8_t*>(&codes) + 4 * g, 4);
}

// 4 groups of values of `bits` bits, side by side in one group of bytes.
uint32_t join_groups(Codes values, int bits) {
  const auto g = reinterpret_cast<Groups>(values);
  return g[0] | (g[1] << bits) | (g[2] << (2 * bits)) | (g[3] << (3 * bits));
}

void put_group(uint32_t group, int vector, uint8_t* at) { std::memcpy(at + 64 * vector, &group, 4); }

// One row's codes of a block; `at` is the row's place in the first vector.
template <CodeForm kForm>
void put_codes(Codes low, Codes high, uint8_t* at) {
  if constexpr (kForm == CodeForm::bytes) {
    put_groups(low, 0, at);
    put_groups(high, 4, at);
  } else if constexpr (kForm == CodeForm::two_bits || kForm == CodeForm::two_bits_bit) {
    put_group(join_groups(low & 3, 2), 0, at);
    put_group(join_groups(high & 3, 2), 1, at);
    if constexpr (kForm == CodeForm::two_bits_bit) {
      put_group(join_groups((low >> 2) & 1, 1) | (join_groups((high >> 2) & 1, 1) << 4), 2, at);
    }
  } else {
    put_groups((low & 15) | (high << 4), 0, at);
    if constexpr (kForm == CodeForm::nibbles_bit) {
      put_group(join_groups((low >> 4) & 1, 1) | (join_groups((high >> 4) & 1, 1) << 4), 4, at);
    }
    if constexpr (kForm == CodeForm::nibbles_2bits) {
      put_group(join_groups((low >> 4) & 3, 2), 4, at);
      put_group(join_groups((high >> 4) & 3, 2), 5, at);
    }
  }
}

template <DType kType>
bool sound(const StoredScales& s) {
  constexpr uint8_t kLeastRefused = 128 + 100;  // MXFP4's exponent of 2^100
  if (kType == DType::MXFP4) return s.sc[0] < kLeastRefused;
  constexpr f16_bits kExponent = 0x7c00;
  return (s.d & kExponent) != kExponent && (s.m & kExponent) != kExponent;  // their products stay far below 2^100
}

// Block b of a unit; stored: the row's bytes of the unit.
template <DType kType>
inline bool pack_block(const std::byte* stored, int row, int b, uint8_t* unit) {
  constexpr QuantTraits t = quant_traits(kType);
  constexpr UnitLayout at = unit_layout(kType);
  uint8_t* codes = unit + at.codes + b * t.code_bytes() + 4 * row;
  put_codes<t.form>(stored_codes<kType>(stored, b, 0), stored_codes<kType>(stored, b, 1), codes);
  const StoredScales s = stored_scales<kType>(stored, b);
  const int half = (t.super ? 0 : b) * 32 + 2 * row;
  if constexpr (at.d >= 0) std::memcpy(unit + at.d + half, &s.d, 2);
  if constexpr (at.m >= 0) std::memcpy(unit + at.m + half, &s.m, 2);
  if constexpr (at.sc >= 0) {
    for (int i = 0; i < t.subs; ++i) unit[at.sc + (b * t.subs + i) * 16 + row] = s.sc[i];
  }
  if constexpr (at.mn >= 0) unit[at.mn + b * 16 + row] = s.mn;
  return sound<kType>(s);
}

// One row of a unit; stored: the row's bytes of it, `bytes` of a whole one.
template <DType kType>
bool pack_row_of_unit(const std::byte* stored, int64_t bytes, int row, int blocks, uint8_t* unit) {
  constexpr int kBlocks = unit_layout(kType).blocks;
  bool all_sound = true;
  if (blocks < kBlocks) {
    for (int b = 0; b < blocks; ++b) all_sound = pack_block<kType>(stored, row, b, unit) && all_sound;
    return all_sound;
  }
  // 16 rows are read in turn, a little of each: more streams than the processor sees by itself.
  for (int64_t line = 0; line < bytes; line += 64) __builtin_prefetch(stored + bytes + line);
#pragma GCC unroll 8
  for (int b = 0; b < kBlocks; ++b) all_sound = pack_block<kType>(stored, row, b, unit) && all_sound;
  return all_sound;
}

}  // namespace

bool pack_unit(DType dtype, const std::byte* const* rows, int64_t first_block, int blocks, uint8_t* unit) {
  return with_quant_type(dtype, [&]<DType kType>() {
    constexpr int kBlocks = unit_layout(kType).blocks;
    const auto bytes = static_cast<int64_t>(row_bytes(kType, uint64_t{kBlocks} * kBlock));
    const int64_t begin = first_block / kBlocks * bytes;
    bool all_sound = true;
    for (int row = 0; row < kTileRows; ++row) {
      if (rows[row] == nullptr) continue;
      all_sound = pack_row_of_unit<kType>(rows[row] + begin, bytes, row, blocks, unit) && all_sound;
    }
    return all_sound;
  });
}

}  // namespace mang
