#include "kernels/quant_blocks.h"

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tensor/float16.h"

namespace mang {

namespace {

// Element i in the low nibble of qs[i], element i + 16 in its high nibble.
void split_nibbles(const uint8_t* qs, uint8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    codes[i] = qs[i] & 15;
    codes[i + 16] = qs[i] >> 4;
  }
}

void add_bits(const uint8_t* qh, int shift, uint8_t* codes) {
  uint32_t bits;
  std::memcpy(&bits, qh, 4);
  for (int i = 0; i < 32; ++i) codes[i] |= static_cast<uint8_t>(((bits >> i) & 1u) << shift);
}

void read_legacy(DType dtype, const std::byte* row, int64_t block, QuantBlock& out) {
  switch (dtype) {
    case DType::Q4_0:
    case DType::IQ4_NL: {
      const auto& b = stored_block<BlockQ4_0>(row, block);
      split_nibbles(b.qs, out.codes);
      return;
    }
    case DType::Q4_1: {
      const auto& b = stored_block<BlockQ4_1>(row, block);
      split_nibbles(b.qs, out.codes);
      return;
    }
    case DType::Q5_0: {
      const auto& b = stored_block<BlockQ5_0>(row, block);
      split_nibbles(b.qs, out.codes);
      add_bits(b.qh, 4, out.codes);
      return;
    }
    case DType::Q5_1: {
      const auto& b = stored_block<BlockQ5_1>(row, block);
      split_nibbles(b.qs, out.codes);
      add_bits(b.qh, 4, out.codes);
      return;
    }
    case DType::Q8_0: {
      const auto& b = stored_block<BlockQ8_0>(row, block);
      for (int i = 0; i < 32; ++i) out.codes[i] = static_cast<uint8_t>(b.qs[i] + 128);
      return;
    }
    case DType::MXFP4: {
      const auto& b = stored_block<BlockMXFP4>(row, block);
      split_nibbles(b.qs, out.codes);
      return;
    }
    default:
      MANG_CHECK(false);
  }
}

void read_super(DType dtype, const std::byte* row, int64_t block, QuantBlock& out) {
  const int64_t super = block / 8;
  const int j = static_cast<int>(block % 8);  // 32 elements from 32·j
  switch (dtype) {
    case DType::Q2_K: {
      const auto& b = stored_block<BlockQ2_K>(row, super);
      for (int i = 0; i < 32; ++i) out.codes[i] = (b.qs[32 * (j / 4) + i] >> (2 * (j % 4))) & 3;
      return;
    }
    case DType::Q3_K: {
      const auto& b = stored_block<BlockQ3_K>(row, super);
      for (int i = 0; i < 32; ++i) {
        const int low = (b.qs[32 * (j / 4) + i] >> (2 * (j % 4))) & 3;
        out.codes[i] = static_cast<uint8_t>(low | (((b.hmask[i] >> j) & 1) << 2));
      }
      return;
    }
    case DType::Q4_K: {
      const auto& b = stored_block<BlockQ4_K>(row, super);
      for (int i = 0; i < 32; ++i) out.codes[i] = (b.qs[32 * (j / 2) + i] >> (4 * (j % 2))) & 15;
      return;
    }
    case DType::Q5_K: {
      const auto& b = stored_block<BlockQ5_K>(row, super);
      for (int i = 0; i < 32; ++i) {
        const int low = (b.qs[32 * (j / 2) + i] >> (4 * (j % 2))) & 15;
        out.codes[i] = static_cast<uint8_t>(low | (((b.qh[i] >> j) & 1) << 4));
      }
      return;
    }
    case DType::Q6_K: {
      const auto& b = stored_block<BlockQ6_K>(row, super);
      const int half = j / 4;     // 128 elements
      const int quarter = j % 4;  // 32 of them
      const uint8_t* ql = b.ql + 64 * half + 32 * (quarter % 2);
      const uint8_t* qh = b.qh + 32 * half;
      for (int i = 0; i < 32; ++i) {
        const int low = (ql[i] >> (4 * (quarter / 2))) & 15;
        out.codes[i] = static_cast<uint8_t>(low | (((qh[i] >> (2 * quarter)) & 3) << 4));
      }
      return;
    }
    case DType::IQ4_XS: {
      const auto& b = stored_block<BlockIQ4_XS>(row, super);
      split_nibbles(b.qs + 16 * j, out.codes);
      return;
    }
    default:
      MANG_CHECK(false);
  }
}

// 2^(e − 128): MXFP4's scale with the codebook's factor of two taken off. e = 255 stands for NaN.
float mx_scale(uint8_t e) { return e == 255 ? NAN : std::ldexp(1.0f, static_cast<int>(e) - 128); }

}  // namespace

void quant_scales(DType dtype, QuantBlock& b) {
  const QuantTraits traits = quant_traits(dtype);
  const float d = f32_from_f16(b.stored.d);
  const float m = f32_from_f16(b.stored.m);
  for (int half = 0; half < 2; ++half) {
    b.wm[half] = 0;
    if (dtype == DType::MXFP4) {
      b.ws[half] = mx_scale(b.stored.sc[half]);
    } else if (dtype == DType::Q2_K) {
      b.ws[half] = d * static_cast<float>(b.stored.sc[half] & 15);
      b.wm[half] = -(m * static_cast<float>(b.stored.sc[half] >> 4));
    } else if (traits.super) {
      const int sc = traits.signed_sc ? static_cast<int8_t>(b.stored.sc[half]) : b.stored.sc[half];
      b.ws[half] = d * static_cast<float>(sc);
      if (traits.mins == 1) b.wm[half] = -(m * static_cast<float>(b.stored.mn));
    } else {
      b.ws[half] = d;
      if (traits.mins == 1) b.wm[half] = m;
    }
  }
}

void read_quant_block(DType dtype, const std::byte* row, int64_t block, QuantBlock& out) {
  out.stored = with_quant_type(dtype, [&]<DType kType>() { return stored_scales<kType>(row, block); });
  const QuantTraits traits = quant_traits(dtype);
  if (traits.super) {
    read_super(dtype, row, block, out);
  } else {
    read_legacy(dtype, row, block, out);
  }
  if (traits.form == CodeForm::codebook_iq4) {
    for (auto& c : out.codes) c = static_cast<uint8_t>(kIq4Codebook[c] + 128);
  } else if (traits.form == CodeForm::codebook_fp4) {
    for (auto& c : out.codes) c = static_cast<uint8_t>(kFp4TwiceCodebook[c] + 12);
  }
  quant_scales(dtype, out);
}

}  // namespace mang
