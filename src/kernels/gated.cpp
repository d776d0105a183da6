#include "kernels/gated.h"

#include <fmt/format.h>

#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cut_tiles.h"
#include "kernels/op_trace.h"
#include "kernels/part_product.h"

namespace mang {
namespace {

// What a thread claims: rows of one part's gate and up.
struct Piece {
  size_t part;
  Tiles tiles;
};

std::vector<Piece> cut(const Device& device, std::span<const GatedPart> parts) {
  const int64_t tiles = parts[0].w.gate->tiles();
  const int64_t tile_bytes = parts[0].w.gate->tile_bytes() + parts[0].w.up->tile_bytes();
  int64_t left = static_cast<int64_t>(parts.size()) * tiles * tile_bytes;
  std::vector<Piece> pieces;
  for (size_t p = 0; p < parts.size(); ++p) {
    for (int64_t tile = 0; tile < tiles;) {
      const int64_t count = next_piece(device, parts[p].tokens, left, tile_bytes, tiles - tile);
      pieces.push_back({p, {tile, static_cast<int>(count)}});
      tile += count;
      left -= count * tile_bytes;
    }
  }
  return pieces;
}

// All M tokens: one part, or several where there are few rows.
std::vector<GatedPart> split_tokens(const Device& device, const GatedMatrices& w, int64_t M) {
  constexpr int64_t kLeastTokens = 56;  // some groups
  const int64_t count = token_parts(device, M, (w.gate->tiles() + 1) / 2, M / kLeastTokens);
  std::vector<GatedPart> parts;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = M * i / count;
    parts.push_back({w, first, M * (i + 1) / count - first});
  }
  return parts;
}

// "Q4_K 1536 → 8960 + 8960, gated".
void describe(Arithmetic arithmetic, const GatedMatrices& w, int64_t M, std::string& name, OpWork& work) {
  const std::string_view type = dtype_name(w.gate->dtype());
  const std::string_view other = w.up->dtype() == w.gate->dtype() ? "" : dtype_name(w.up->dtype());
  name = fmt::format("{} {} → {} + {}{}{}, gated", type, w.gate->cols(), w.gate->rows(), other,
                     other.empty() ? "" : " ", w.up->rows());
  for (const PackedMatrix* matrix : {w.gate, w.up}) {
    const auto macs = static_cast<double>(M * matrix->cols() * matrix->rows());
    (is_float(matrix->dtype()) || arithmetic == Arithmetic::exact ? work.f32_macs : work.int8_macs) += macs;
    work.bytes += static_cast<double>(matrix->bytes());
  }
  if (arithmetic == Arithmetic::exact) name += ", exact";
}

}  // namespace

void gated_parts(const Device& device, Arithmetic arithmetic, GateFunction f, std::span<const GatedPart> parts,
                 std::span<const int32_t> source, const float* x, float* y) {
  MANG_CHECK(arithmetic != Arithmetic::refined && !parts.empty());
  const PackedMatrix& gate = *parts[0].w.gate;
  const PackedMatrix& up = *parts[0].w.up;
  const int64_t D = gate.cols();
  const int64_t F = gate.rows();
  MANG_CHECK(up.cols() == D && up.rows() == F);
  std::vector<int64_t> sizes;
  for (const GatedPart& part : parts) sizes.push_back(part.tokens);
  const std::vector<InputKind> kinds = kinds_of({&gate, &up}, arithmetic);
  const PreparedInput input(device, x, D, source, sizes, D, kinds);
  const PartProduct gates(device, input, input_kind(gate, arithmetic));
  const PartProduct ups(device, input, input_kind(up, arithmetic));
  const std::vector<Piece> pieces = cut(device, parts);
  const cpu::ElementwiseKernels& kernels = *device.kernels().elementwise;
  const auto activate = f == GateFunction::silu ? kernels.silu_mul : kernels.gelu_mul;
  device.run(static_cast<int64_t>(pieces.size()), [&](int64_t chunk, int thread) {
    const Piece& piece = pieces[static_cast<size_t>(chunk)];
    const GatedPart& part = parts[piece.part];
    const int64_t row = piece.tiles.row();
    const int64_t width = int64_t{piece.tiles.count} * kTileRows;
    const int64_t rows = std::min(F - row, width);
    float* to = y + part.first * F + row;
    auto* other = reinterpret_cast<float*>(
        device.scratch(thread, Device::kTile, static_cast<size_t>(part.tokens * width) * sizeof(float)));
    gates.multiply(thread, *part.w.gate, piece.tiles, piece.part, part.tokens, to, F);
    ups.multiply(thread, *part.w.up, piece.tiles, piece.part, part.tokens, other, width);
    for (int64_t m = 0; m < part.tokens; ++m) {
      if (part.w.gate_bias != nullptr) kernels.add(to + m * F, part.w.gate_bias + row, rows);
      if (part.w.up_bias != nullptr) kernels.add(other + m * width, part.w.up_bias + row, rows);
      activate(to + m * F, other + m * width, rows);
    }
  });
}

void gated_matmul(const Device& device, Arithmetic arithmetic, GateFunction f, const GatedMatrices& w, const float* x,
                  int64_t M, float* y) {
  if (M == 0) return;
  const OpScope scope(device, [&](std::string& name, OpWork& work) { describe(arithmetic, w, M, name, work); });
  std::vector<int32_t> as_they_stand(static_cast<size_t>(M));
  std::iota(as_they_stand.begin(), as_they_stand.end(), 0);
  gated_parts(device, arithmetic, f, split_tokens(device, w, M), as_they_stand, x, y);
}

}  // namespace mang
