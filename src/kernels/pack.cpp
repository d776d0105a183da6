// Stored rows → tiles of 16 interleaved rows (packed_layout.h).
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/matmul.h"
#include "kernels/quant_blocks.h"
#include "tensor/float16.h"

namespace mang {

namespace {

// The bits of one block's codes, for one row, into its places in the tile's vectors.
void place_codes(CodeForm form, const uint8_t* u, int row, uint8_t* to) {
  const auto at = [&](int vector) { return to + 64 * vector + 4 * row; };
  const auto place_nibbles = [&] {
    for (int i = 0; i < 16; ++i) at(i / 4)[i % 4] = static_cast<uint8_t>((u[i] & 15) | (u[i + 16] << 4));
  };
  const auto place_bit = [&](int vector, int bit) {
    for (int kk = 0; kk < 4; ++kk) {
      int byte = 0;
      for (int g = 0; g < 8; ++g) byte |= ((u[4 * g + kk] >> bit) & 1) << g;
      at(vector)[kk] = static_cast<uint8_t>(byte);
    }
  };
  const auto place_2bits = [&](int vector, int bit) {
    for (int half = 0; half < 2; ++half) {
      for (int kk = 0; kk < 4; ++kk) {
        int byte = 0;
        for (int g = 0; g < 4; ++g) byte |= ((u[16 * half + 4 * g + kk] >> bit) & 3) << (2 * g);
        at(vector + half)[kk] = static_cast<uint8_t>(byte);
      }
    }
  };
  switch (form) {
    case CodeForm::nibbles:
      place_nibbles();
      return;
    case CodeForm::nibbles_bit:
      place_nibbles();
      place_bit(4, 4);
      return;
    case CodeForm::nibbles_2bits:
      place_nibbles();
      place_2bits(4, 4);
      return;
    case CodeForm::two_bits:
      place_2bits(0, 0);
      return;
    case CodeForm::two_bits_bit:
      place_2bits(0, 0);
      place_bit(2, 2);
      return;
    case CodeForm::bytes:
      for (int g = 0; g < 8; ++g) std::memcpy(at(g), u + 4 * g, 4);
      return;
    case CodeForm::codebook_iq4:
    case CodeForm::codebook_fp4:
      MANG_CHECK(false);  // placed as the stored nibbles, see place_block
  }
}

// The stored nibbles of a codebook type lie in the last 16 bytes of each 32-element block.
void place_stored_nibbles(const uint8_t* qs, int row, uint8_t* to) {
  for (int v = 0; v < 4; ++v) std::memcpy(to + 64 * v + 4 * row, qs + 4 * v, 4);
}

const uint8_t* stored_nibbles(DType dtype, const std::byte* row, int64_t block) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(row);
  if (dtype == DType::IQ4_NL) return bytes + block * 18 + 2;
  if (dtype == DType::MXFP4) return bytes + block * 17 + 1;
  return bytes + block / 8 * 136 + 8 + block % 8 * 16;  // IQ4_XS
}

// Not larger than any weight can be, either: the kernels multiply scales by up to 1.5 · 2^23, and MXFP4's reach 2^126.
bool finite_scales(const QuantBlock& b) {
  const auto sound = [](float scale) { return std::fabs(scale) < 0x1p+100f; };  // false for NaN
  return sound(b.ws[0]) && sound(b.ws[1]) && sound(b.wm[0]) && sound(b.wm[1]);
}

bool pack_quantized_row(DType dtype, const std::byte* stored, int64_t cols, int row, std::byte* tile) {
  const QuantTraits traits = quant_traits(dtype);
  const UnitLayout at = unit_layout(dtype);
  auto* bytes = reinterpret_cast<uint8_t*>(tile);
  const bool codebook = traits.form == CodeForm::codebook_iq4 || traits.form == CodeForm::codebook_fp4;
  bool finite = true;
  for (int64_t b = 0; b < cols / kBlock; ++b) {
    QuantBlock block;
    read_quant_block(dtype, stored, b, block);
    finite = finite && finite_scales(block);
    uint8_t* unit = bytes + b / at.blocks * at.bytes;
    const int64_t in = b % at.blocks;
    uint8_t* codes = unit + at.codes + in * traits.code_bytes();
    if (codebook) {
      place_stored_nibbles(stored_nibbles(dtype, stored, b), row, codes);
    } else {
      place_codes(traits.form, block.codes, row, codes);
    }
    const int64_t half = (traits.super ? 0 : in) * 32 + 2 * row;
    if (at.d >= 0) std::memcpy(unit + at.d + half, &block.d, 2);
    if (at.m >= 0) std::memcpy(unit + at.m + half, &block.m, 2);
    if (at.sc >= 0) {
      for (int s = 0; s < traits.subs; ++s) unit[at.sc + (in * traits.subs + s) * 16 + row] = block.sc[s];
    }
    if (at.mn >= 0) unit[at.mn + in * 16 + row] = block.mn;
  }
  return finite;
}

template <typename Element, typename Finite>
bool pack_float_row(const std::byte* stored, int64_t cols, int row, std::byte* tile, Finite&& is_finite) {
  bool finite = true;
  auto* to = reinterpret_cast<Element*>(tile);
  for (int64_t k = 0; k < cols; ++k) {
    Element e;
    std::memcpy(&e, stored + k * static_cast<int64_t>(sizeof(Element)), sizeof(Element));
    finite = finite && is_finite(e);
    to[k * kTileRows + row] = e;
  }
  return finite;
}

bool pack_row(DType dtype, const std::byte* stored, int64_t cols, int row, std::byte* tile) {
  switch (dtype) {
    case DType::F32:
      return pack_float_row<float>(stored, cols, row, tile, [](float f) { return std::isfinite(f); });
    case DType::F16:
      return pack_float_row<uint16_t>(stored, cols, row, tile, [](uint16_t h) { return (h & 0x7c00) != 0x7c00; });
    case DType::BF16:
      return pack_float_row<uint16_t>(stored, cols, row, tile, [](uint16_t h) { return (h & 0x7f80) != 0x7f80; });
    default:
      return pack_quantized_row(dtype, stored, cols, row, tile);
  }
}

// The inverse of place_codes for one element.
uint8_t placed_code(CodeForm form, const uint8_t* block, int row, int i) {
  const int g = i / 4;
  const int lane = 4 * row + i % 4;
  const int nibble = (block[64 * (g % 4) + lane] >> (4 * (g / 4))) & 15;
  switch (form) {
    case CodeForm::nibbles:
      return static_cast<uint8_t>(nibble);
    case CodeForm::nibbles_bit:
      return static_cast<uint8_t>(nibble | (((block[64 * 4 + lane] >> g) & 1) << 4));
    case CodeForm::nibbles_2bits:
      return static_cast<uint8_t>(nibble | (((block[64 * (4 + g / 4) + lane] >> (2 * (g % 4))) & 3) << 4));
    case CodeForm::two_bits:
      return (block[64 * (g / 4) + lane] >> (2 * (g % 4))) & 3;
    case CodeForm::two_bits_bit:
      return static_cast<uint8_t>(((block[64 * (g / 4) + lane] >> (2 * (g % 4))) & 3) |
                                  (((block[64 * 2 + lane] >> g) & 1) << 2));
    case CodeForm::bytes:
      return block[64 * g + lane];
    case CodeForm::codebook_iq4:
      return static_cast<uint8_t>(kIq4Codebook[nibble] + 128);
    case CodeForm::codebook_fp4:
      return static_cast<uint8_t>(kFp4TwiceCodebook[nibble] + 12);
  }
  return 0;
}

void unpack_quantized_row(const PackedMatrix& w, const uint8_t* tile, int row, float* out) {
  const DType dtype = w.dtype();
  const QuantTraits traits = quant_traits(dtype);
  const UnitLayout at = unit_layout(dtype);
  for (int64_t b = 0; b < w.cols() / kBlock; ++b) {
    QuantBlock block{};
    const uint8_t* unit = tile + b / at.blocks * at.bytes;
    const int64_t in = b % at.blocks;
    const int64_t half = (traits.super ? 0 : in) * 32 + 2 * row;
    if (at.d >= 0) std::memcpy(&block.d, unit + at.d + half, 2);
    if (at.m >= 0) std::memcpy(&block.m, unit + at.m + half, 2);
    if (at.sc >= 0) {
      for (int s = 0; s < 2; ++s) block.sc[s] = unit[at.sc + (in * traits.subs + s % traits.subs) * 16 + row];
    }
    if (at.mn >= 0) block.mn = unit[at.mn + in * 16 + row];
    quant_scales(dtype, block);
    const uint8_t* codes = unit + at.codes + in * traits.code_bytes();
    for (int i = 0; i < kBlock; ++i) {
      const int code = placed_code(traits.form, codes, row, i) - traits.offset;
      const float product = block.ws[i / 16] * static_cast<float>(code);
      out[b * kBlock + i] = traits.mins == 0 ? product : product + block.wm[i / 16];
    }
  }
}

}  // namespace

PackedMatrix PackedMatrix::allocate(DType dtype, int64_t rows, int64_t cols) {
  WeightArena arena;
  return allocate(dtype, rows, cols, arena);
}

PackedMatrix PackedMatrix::allocate(DType dtype, int64_t rows, int64_t cols, WeightArena& arena) {
  MANG_CHECK(rows > 0 && cols > 0 && cols % dtype_info(dtype).block_elements == 0);
  PackedMatrix out;
  out.dtype_ = dtype;
  out.rows_ = rows;
  out.cols_ = cols;
  out.tile_bytes_ = mang::tile_bytes(dtype, cols);
  out.data_ = arena.take(static_cast<size_t>(out.bytes()));  // zero-filled, as the padding of the last tile must be
  return out;
}

bool pack_rows(const Device& device, std::span<const std::byte> stored, int64_t count, int64_t first_row,
               std::span<const int32_t> order, PackedMatrix& to) {
  MANG_CHECK(to.allocated());
  MANG_CHECK(first_row >= 0 && first_row % kTileRows == 0 && first_row + count <= to.rows());
  const auto stride = static_cast<int64_t>(row_bytes(to.dtype(), static_cast<uint64_t>(to.cols())));
  MANG_CHECK(static_cast<int64_t>(stored.size()) == count * stride);
  // Which stored row fills each row of the matrix, so that a thread owns whole tiles.
  std::vector<int32_t> source(order.size());
  for (size_t r = 0; r < order.size(); ++r) source[static_cast<size_t>(order[r])] = static_cast<int32_t>(r);
  std::atomic<bool> finite{true};
  device.run((count + kTileRows - 1) / kTileRows, [&](int64_t chunk, int) {
    std::byte* tile = to.tile(first_row / kTileRows + chunk);
    for (int row = 0; row < kTileRows && chunk * kTileRows + row < count; ++row) {
      const int64_t r = chunk * kTileRows + row;
      const int64_t from = order.empty() ? r : source[static_cast<size_t>(r)];
      if (!pack_row(to.dtype(), stored.data() + from * stride, to.cols(), row, tile)) finite.store(false);
    }
  });
  return finite.load();
}

void unpack_row(const PackedMatrix& w, int64_t r, float* out) {
  const auto* tile = reinterpret_cast<const uint8_t*>(w.tile(r / kTileRows));
  const int row = static_cast<int>(r % kTileRows);
  switch (w.dtype()) {
    case DType::F32:
      for (int64_t k = 0; k < w.cols(); ++k) std::memcpy(out + k, tile + (k * kTileRows + row) * 4, 4);
      return;
    case DType::F16:
    case DType::BF16:
      for (int64_t k = 0; k < w.cols(); ++k) {
        uint16_t h;
        std::memcpy(&h, tile + (k * kTileRows + row) * 2, 2);
        out[k] = w.dtype() == DType::F16 ? f32_from_f16(h) : f32_from_bf16(h);
      }
      return;
    default:
      unpack_quantized_row(w, tile, row, out);
  }
}

}  // namespace mang
