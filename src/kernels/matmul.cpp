#include "kernels/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/cut_tiles.h"
#include "kernels/matmul_input.h"
#include "kernels/multiply_tiles.h"
#include "kernels/op_trace.h"
#include "kernels/packed_layout.h"

namespace mang {

namespace {

using cpu::InputGroup;

// Some tiles of one product, for some of its groups: what a thread claims at a time.
struct Piece {
  size_t product;
  int64_t tile;
  int tiles;
  int first_group;
  int groups;
};

std::vector<Piece> cut(const Device& device, std::span<const Product> products, int64_t tokens, int group_count) {
  int64_t left = 0;  // bytes
  int64_t pairs = 0;
  for (const Product& p : products) {
    left += p.w->bytes();
    pairs += (p.w->tiles() + 1) / 2;
  }
  const int64_t parts = token_parts(device, tokens, pairs, group_count / 8);
  std::vector<Piece> pieces;
  for (size_t i = 0; i < products.size(); ++i) {
    const PackedMatrix& w = *products[i].w;
    for (int64_t tile = 0; tile < w.tiles();) {
      const int64_t tiles = next_piece(device, tokens, left, w.tile_bytes(), w.tiles() - tile);
      for (int64_t part = 0; part < parts; ++part) {
        const auto first = static_cast<int>(group_count * part / parts);
        const auto end = static_cast<int>(group_count * (part + 1) / parts);
        pieces.push_back({i, tile, static_cast<int>(tiles), first, end - first});
      }
      tile += tiles;
      left -= tiles * w.tile_bytes();
    }
  }
  return pieces;
}

// Which ways of reading x the products need.
std::vector<InputKind> input_kinds(std::span<const Product> products, Arithmetic arithmetic, int64_t K) {
  std::vector<InputKind> kinds;
  for (const Product& p : products) {
    MANG_CHECK(p.w->cols() == K);
    add_input_kind(*p.w, arithmetic, kinds);
  }
  return kinds;
}

// All products of an input that is ready.
void multiply(const Device& device, Arithmetic arithmetic, const PreparedInput& input,
              std::span<const Product> products) {
  const int64_t M = input.tokens();
  std::vector<std::vector<InputGroup>> groups;
  for (const Product& p : products) groups.push_back(input.groups(input_kind(*p.w, arithmetic), p.y, p.ldy));
  const bool direct = M <= device.kernels().matmul->direct_most;
  const std::vector<Piece> pieces = cut(device, products, M, input.group_count());
  device.run(static_cast<int64_t>(pieces.size()), [&](int64_t chunk, int thread) {
    const Piece& piece = pieces[static_cast<size_t>(chunk)];
    const std::span<const InputGroup> all = groups[piece.product];
    multiply_tiles(device, thread, *products[piece.product].w, piece.tile, piece.tiles,
                   all.subspan(static_cast<size_t>(piece.first_group), static_cast<size_t>(piece.groups)), direct,
                   [&](InputGroup& group) { group.y += piece.tile * kTileRows; });
  });
}

void matmul_plain(const Device& device, Arithmetic arithmetic, const float* x, int64_t ldx, int64_t M, int64_t K,
                  std::span<const Product> products) {
  const std::vector<InputKind> kinds = input_kinds(products, arithmetic, K);
  multiply(device, arithmetic, PreparedInput(device, x, ldx, M, K, kinds, false), products);
}

// y = q(x)·Wᵀ + q(x − q(x))·Wᵀ: both rows are tokens of one quantized product, so the weights are read once. The
// products' input blocks are alike.
void matmul_refined(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                    std::span<const Product> products) {
  if (products.empty()) return;
  const std::vector<InputKind> kinds = input_kinds(products, Arithmetic::quantized, K);
  multiply(device, Arithmetic::quantized, PreparedInput(device, x, ldx, M, K, kinds, true), products);
}

// "Q4_K 1536 → 8960 + 8960", "Q6_K 1536 → 151936, refined".
void describe(Arithmetic arithmetic, int64_t M, int64_t K, std::span<const Product> products, std::string& name,
              OpWork& work) {
  for (const Product& p : products) {
    const std::string type(dtype_name(p.w->dtype()));
    if (name.empty()) {
      name = fmt::format("{} {} → {}", type, K, p.w->rows());
    } else {
      const bool same = p.w->dtype() == products[0].w->dtype();
      name += same ? fmt::format(" + {}", p.w->rows()) : fmt::format(" + {} {}", type, p.w->rows());
    }
    const bool floats = is_float(p.w->dtype()) || arithmetic == Arithmetic::exact;
    const auto macs = static_cast<double>(M * K * p.w->rows());
    (floats ? work.f32_macs : work.int8_macs) += arithmetic == Arithmetic::refined && !floats ? 2 * macs : macs;
    work.bytes += static_cast<double>(p.w->bytes());
  }
  if (arithmetic == Arithmetic::refined) name += ", refined";
  if (arithmetic == Arithmetic::exact) name += ", exact";
}

}  // namespace

void matmul(const Device& device, Arithmetic arithmetic, const float* x, int64_t ldx, int64_t M, int64_t K,
            std::span<const Product> products) {
  if (M == 0) return;
  const OpScope scope(device,
                      [&](std::string& name, OpWork& work) { describe(arithmetic, M, K, products, name, work); });
  if (arithmetic != Arithmetic::refined) return matmul_plain(device, arithmetic, x, ldx, M, K, products);
  // Those together that read x in the same blocks. Float weights take x as it is.
  std::vector<Product> plain, of_16, of_32;
  for (const Product& p : products) {
    (is_float(p.w->dtype()) ? plain : quant_traits(p.w->dtype()).input_block == 16 ? of_16 : of_32).push_back(p);
  }
  if (!plain.empty()) matmul_plain(device, Arithmetic::quantized, x, ldx, M, K, plain);
  matmul_refined(device, x, ldx, M, K, of_16);
  matmul_refined(device, x, ldx, M, K, of_32);
}

}  // namespace mang
