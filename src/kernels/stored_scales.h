// What scales a stored block of 32 weights, as the file has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/check.h"
#include "kernels/packed_layout.h"

namespace mang {

struct StoredScales {
  f16_bits d = 0;
  f16_bits m = 0;
  uint8_t sc[2] = {0, 0};  // equal where the type has one scale for 32
  uint8_t mn = 0;
};

template <typename Block>
const Block& stored_block(const std::byte* row, int64_t index) {
  return *reinterpret_cast<const Block*>(row + index * static_cast<int64_t>(sizeof(Block)));
}

// Scale and minimum j of the twelve packed bytes of Q4_K and Q5_K (6 bits each).
inline void scale_min_k4(const uint8_t* s, int j, uint8_t& scale, uint8_t& minimum) {
  if (j < 4) {
    scale = s[j] & 63;
    minimum = s[j + 4] & 63;
  } else {
    scale = static_cast<uint8_t>((s[j + 4] & 15) | ((s[j - 4] >> 6) << 4));
    minimum = static_cast<uint8_t>((s[j + 4] >> 4) | ((s[j] >> 6) << 4));
  }
}

// The 6-bit scale j (0 … 15) of Q3_K, minus 32.
inline int8_t scale_q3k(const uint8_t* s, int j) {
  const int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4;
  const int high = (s[8 + j % 4] >> (2 * (j / 4))) & 3;
  return static_cast<int8_t>((low | (high << 4)) - 32);
}

// Of block `block` (32 elements) of a stored row.
template <DType kType>
StoredScales stored_scales(const std::byte* row, int64_t block) {
  StoredScales out;
  const int64_t super = block / 8;
  const int j = static_cast<int>(block % 8);
  if constexpr (kType == DType::Q4_0 || kType == DType::IQ4_NL) {
    out.d = stored_block<BlockQ4_0>(row, block).d;
  } else if constexpr (kType == DType::Q5_0) {
    out.d = stored_block<BlockQ5_0>(row, block).d;
  } else if constexpr (kType == DType::Q8_0) {
    out.d = stored_block<BlockQ8_0>(row, block).d;
  } else if constexpr (kType == DType::Q4_1) {
    out.d = stored_block<BlockQ4_1>(row, block).d;
    out.m = stored_block<BlockQ4_1>(row, block).m;
  } else if constexpr (kType == DType::Q5_1) {
    out.d = stored_block<BlockQ5_1>(row, block).d;
    out.m = stored_block<BlockQ5_1>(row, block).m;
  } else if constexpr (kType == DType::MXFP4) {
    out.sc[0] = out.sc[1] = stored_block<BlockMXFP4>(row, block).e;
  } else if constexpr (kType == DType::Q2_K) {
    const auto& b = stored_block<BlockQ2_K>(row, super);
    out = {b.d, b.dmin, {b.scales[2 * j], b.scales[2 * j + 1]}, 0};
  } else if constexpr (kType == DType::Q3_K) {
    const auto& b = stored_block<BlockQ3_K>(row, super);
    out.d = b.d;
    for (int half = 0; half < 2; ++half) out.sc[half] = static_cast<uint8_t>(scale_q3k(b.scales, 2 * j + half));
  } else if constexpr (kType == DType::Q4_K || kType == DType::Q5_K) {
    const auto& b = stored_block<std::conditional_t<kType == DType::Q4_K, BlockQ4_K, BlockQ5_K>>(row, super);
    out.d = b.d;
    out.m = b.dmin;
    scale_min_k4(b.scales, j, out.sc[0], out.mn);
    out.sc[1] = out.sc[0];
  } else if constexpr (kType == DType::Q6_K) {
    const auto& b = stored_block<BlockQ6_K>(row, super);
    out.d = b.d;
    for (int half = 0; half < 2; ++half) out.sc[half] = static_cast<uint8_t>(b.scales[2 * j + half]);
  } else {
    static_assert(kType == DType::IQ4_XS);
    const auto& b = stored_block<BlockIQ4_XS>(row, super);
    out.d = b.d;
    const int low = (b.scales_l[j / 2] >> (4 * (j % 2))) & 15;
    const int high = (b.scales_h >> (2 * j)) & 3;
    out.sc[0] = out.sc[1] = static_cast<uint8_t>((low | (high << 4)) - 32);
  }
  return out;
}

// Calls f.template operator()<kType>() for a quantized type.
template <typename F>
decltype(auto) with_quant_type(DType dtype, F&& f) {
  switch (dtype) {
    case DType::Q4_0:
      return f.template operator()<DType::Q4_0>();
    case DType::Q4_1:
      return f.template operator()<DType::Q4_1>();
    case DType::Q5_0:
      return f.template operator()<DType::Q5_0>();
    case DType::Q5_1:
      return f.template operator()<DType::Q5_1>();
    case DType::Q8_0:
      return f.template operator()<DType::Q8_0>();
    case DType::Q2_K:
      return f.template operator()<DType::Q2_K>();
    case DType::Q3_K:
      return f.template operator()<DType::Q3_K>();
    case DType::Q4_K:
      return f.template operator()<DType::Q4_K>();
    case DType::Q5_K:
      return f.template operator()<DType::Q5_K>();
    case DType::Q6_K:
      return f.template operator()<DType::Q6_K>();
    case DType::IQ4_NL:
      return f.template operator()<DType::IQ4_NL>();
    case DType::IQ4_XS:
      return f.template operator()<DType::IQ4_XS>();
    default:
      MANG_CHECK(dtype == DType::MXFP4);
      return f.template operator()<DType::MXFP4>();
  }
}

}  // namespace mang
