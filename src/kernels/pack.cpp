// Stored rows → tiles of 16 interleaved rows (packed_layout.h).
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/matmul.h"
#include "kernels/pack_unit.h"
#include "kernels/quant_blocks.h"
#include "tensor/float16.h"

namespace mang {

namespace {

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

bool pack_float_row(DType dtype, const std::byte* stored, int64_t cols, int row, std::byte* tile) {
  switch (dtype) {
    case DType::F32:
      return pack_float_row<float>(stored, cols, row, tile, [](float f) { return std::isfinite(f); });
    case DType::F16:
      return pack_float_row<uint16_t>(stored, cols, row, tile, [](uint16_t h) { return (h & 0x7c00) != 0x7c00; });
    default:
      MANG_CHECK(dtype == DType::BF16);
      return pack_float_row<uint16_t>(stored, cols, row, tile, [](uint16_t h) { return (h & 0x7f80) != 0x7f80; });
  }
}

// rows: the stored rows of a tile, null where there is none.
bool pack_tile(DType dtype, const std::byte* const* rows, int64_t cols, std::byte* tile) {
  bool finite = true;
  if (is_float(dtype)) {
    for (int row = 0; row < kTileRows; ++row) {
      if (rows[row] != nullptr) finite = pack_float_row(dtype, rows[row], cols, row, tile) && finite;
    }
    return finite;
  }
  const UnitLayout layout = unit_layout(dtype);
  auto* unit = reinterpret_cast<uint8_t*>(tile);
  const int64_t all = cols / kBlock;
  for (int64_t b = 0; b < all; b += layout.blocks, unit += layout.bytes) {
    const int blocks = static_cast<int>(std::min<int64_t>(layout.blocks, all - b));
    finite = pack_unit(dtype, rows, b, blocks, unit) && finite;
  }
  return finite;
}

// The code of one element of a packed block: the inverse of packing (pack_unit.cpp).
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
    if (at.d >= 0) std::memcpy(&block.stored.d, unit + at.d + half, 2);
    if (at.m >= 0) std::memcpy(&block.stored.m, unit + at.m + half, 2);
    if (at.sc >= 0) {
      for (int s = 0; s < 2; ++s) block.stored.sc[s] = unit[at.sc + (in * traits.subs + s % traits.subs) * 16 + row];
    }
    if (at.mn >= 0) block.stored.mn = unit[at.mn + in * 16 + row];
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
    const std::byte* rows[kTileRows] = {};
    for (int row = 0; row < kTileRows && chunk * kTileRows + row < count; ++row) {
      const int64_t r = chunk * kTileRows + row;
      rows[row] = stored.data() + (order.empty() ? r : source[static_cast<size_t>(r)]) * stride;
    }
    if (!pack_tile(to.dtype(), rows, to.cols(), to.tile(first_row / kTileRows + chunk))) finite.store(false);
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
