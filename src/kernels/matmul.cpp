#include "kernels/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/matmul_input.h"
#include "kernels/op_trace.h"
#include "kernels/packed_layout.h"

namespace mang {

namespace {

using cpu::InputGroup;
using cpu::WeightTiles;

// Some tiles of one product, for some of its groups: what a thread claims at a time.
struct Piece {
  size_t product;
  int64_t tile;
  int tiles;
  int first_group;
  int groups;
};

constexpr int kGemmTiles = 4;      // 64 rows: their unpacked slice stays in the L2 cache
constexpr int kGroupsAtOnce = 96;  // a chunk of 512 tokens, with weights unpacked once

// Few tokens: weights are streamed, and each new place in memory costs a while until the stream runs. So the first
// pieces are large, and the last ones so small that all threads end together.
std::vector<Piece> cut_for_streaming(const Device& device, std::span<const Product> products, int group_count) {
  constexpr int64_t kLeastBytes = int64_t{32} << 10;
  int64_t left = 0;  // bytes
  for (const Product& p : products) left += p.w->bytes();
  const int shares = device.threads() == 1 ? 1 : 2 * device.threads();
  std::vector<Piece> pieces;
  for (size_t i = 0; i < products.size(); ++i) {
    const PackedMatrix& w = *products[i].w;
    for (int64_t tile = 0; tile < w.tiles();) {
      const int64_t wanted = std::max(left / shares, kLeastBytes) / w.tile_bytes();
      const int64_t tiles = std::clamp<int64_t>(wanted, 1, w.tiles() - tile);
      pieces.push_back({i, tile, static_cast<int>(tiles), 0, group_count});
      tile += tiles;
      left -= tiles * w.tile_bytes();
    }
  }
  return pieces;
}

// Many tokens: weights are unpacked and used often.
std::vector<Piece> cut_for_reuse(const Device& device, std::span<const Product> products, int group_count) {
  int64_t row_pieces = 0;
  for (const Product& p : products) row_pieces += (p.w->tiles() + kGemmTiles - 1) / kGemmTiles;
  // Few rows and many tokens: split the tokens too, as long as unpacking stays small beside multiplying.
  const int64_t wanted = (8 * device.threads() + row_pieces - 1) / row_pieces;
  const int parts = static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max(1, group_count / 8)));
  std::vector<Piece> pieces;
  pieces.reserve(static_cast<size_t>(row_pieces * parts));
  for (size_t i = 0; i < products.size(); ++i) {
    const int64_t all = products[i].w->tiles();
    for (int64_t tile = 0; tile < all; tile += kGemmTiles) {
      for (int part = 0; part < parts; ++part) {
        const int first = group_count * part / parts;
        const int end = group_count * (part + 1) / parts;
        pieces.push_back({i, tile, static_cast<int>(std::min<int64_t>(kGemmTiles, all - tile)), first, end - first});
      }
    }
  }
  return pieces;
}

// Which ways of reading x the products need.
std::vector<InputKind> input_kinds(std::span<const Product> products, Arithmetic arithmetic, int64_t K) {
  std::vector<InputKind> kinds;
  for (const Product& p : products) {
    MANG_CHECK(p.w->cols() == K);
    const InputKind kind = input_kind(*p.w, arithmetic);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  return kinds;
}

// All products of an input that is ready.
void multiply(const Device& device, Arithmetic arithmetic, const PreparedInput& input, int64_t K,
              std::span<const Product> products) {
  const int64_t M = input.tokens();
  std::vector<std::vector<InputGroup>> groups;
  for (const Product& p : products) groups.push_back(input.groups(input_kind(*p.w, arithmetic), p.y, p.ldy));
  const cpu::MatmulKernels& kernels = *device.kernels().matmul;
  const bool direct = M <= kernels.direct_most;
  const std::vector<Piece> pieces = direct ? cut_for_streaming(device, products, input.group_count())
                                           : cut_for_reuse(device, products, input.group_count());
  device.run(static_cast<int64_t>(pieces.size()), [&](int64_t chunk, int thread) {
    const Piece& piece = pieces[static_cast<size_t>(chunk)];
    const PackedMatrix& w = *products[piece.product].w;
    std::vector<InputGroup>& all = groups[piece.product];
    const int64_t row = piece.tile * kTileRows;
    const WeightTiles tiles{
        w.dtype(),      reinterpret_cast<const uint8_t*>(w.tile(piece.tile)),
        w.tile_bytes(), K,
        piece.tiles,    static_cast<int>(std::min<int64_t>(w.rows() - row, piece.tiles * kTileRows))};
    const int slots = std::max(kernels.max_group, kernels.wide_group);
    InputGroup local[kGroupsAtOnce];
    for (int done = 0; done < piece.groups;) {
      const int count = std::min(kGroupsAtOnce, piece.groups - done);
      for (int g = 0; g < count; ++g) {
        local[g] = all[static_cast<size_t>(piece.first_group + done + g)];
        local[g].y += row;
      }
      const int64_t bytes =
          direct ? cpu::gemm_scratch_bytes(1, 0) : cpu::gemm_scratch_bytes(piece.tiles, int64_t{count} * slots);
      std::byte* scratch = device.scratch(thread, Device::kUnpacked, static_cast<size_t>(bytes));
      auto* unpacked = reinterpret_cast<uint8_t*>(scratch);
      if (local[0].x != nullptr) {
        kernels.gemm_float(tiles, local, count, unpacked);
      } else if (direct) {
        kernels.direct(tiles, local, count);
      } else {
        kernels.gemm(tiles, local, count, unpacked);
      }
      done += count;
    }
  });
}

void matmul_plain(const Device& device, Arithmetic arithmetic, const float* x, int64_t ldx, int64_t M, int64_t K,
                  std::span<const Product> products) {
  const std::vector<InputKind> kinds = input_kinds(products, arithmetic, K);
  multiply(device, arithmetic, PreparedInput(device, x, ldx, M, K, kinds, false), K, products);
}

// y = q(x)·Wᵀ + q(x − q(x))·Wᵀ: both rows are tokens of one quantized product, so the weights are read once. The
// products' input blocks are alike.
void matmul_refined(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                    std::span<const Product> products) {
  if (products.empty()) return;
  const std::vector<InputKind> kinds = input_kinds(products, Arithmetic::quantized, K);
  multiply(device, Arithmetic::quantized, PreparedInput(device, x, ldx, M, K, kinds, true), K, products);
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
