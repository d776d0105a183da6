#include "kernels/matmul.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/packed_layout.h"

namespace mang {

namespace {

using cpu::InputGroup;
using cpu::MatmulKernels;
using cpu::WeightTiles;

constexpr int64_t kInlineTokens = 4;  // fewer are prepared at once: waking the pool would cost more than the work

// How a product reads x. Products that agree share the quantized copy.
struct InputKind {
  bool quantized = false;
  int input_block = 0;
  int offset = 0;
  int mins = 0;

  bool operator==(const InputKind&) const = default;
  [[nodiscard]] bool same_codes(const InputKind& o) const { return quantized == o.quantized && input_block == o.input_block; }
};

InputKind kind_of(const PackedMatrix& w, Arithmetic arithmetic) {
  if (is_float(w.dtype()) || arithmetic == Arithmetic::exact) return {};
  const QuantTraits t = quant_traits(w.dtype());
  return {true, t.input_block, t.offset, t.mins};
}

// Tokens in groups as even as can be, none larger than the kernels take: 8 with at most 6 is 4 + 4.
std::vector<int> group_sizes(const MatmulKernels& kernels, int64_t M, const std::vector<InputKind>& kinds) {
  std::vector<int> sizes;
  const bool wide = kernels.wide_group > 0 && std::all_of(kinds.begin(), kinds.end(), [&](const InputKind& kind) {
                      return kind.quantized && kind.input_block >= kernels.wide_block;
                    });
  if (wide) {
    for (; M >= kernels.wide_group; M -= kernels.wide_group) sizes.push_back(kernels.wide_group);
  }
  const int64_t count = (M + kernels.max_group - 1) / kernels.max_group;
  for (int64_t i = 0; i < count; ++i) sizes.push_back(static_cast<int>((M + i) / count));
  return sizes;
}

// Hands out aligned pieces of one buffer; the first pass (null base) only measures.
class Arena {
 public:
  explicit Arena(std::byte* base) : base_(base) {}
  template <typename T>
  T* take(int64_t count) {
    const auto at = used_;
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + at);
  }
  [[nodiscard]] size_t used() const { return used_; }

 private:
  std::byte* base_;
  size_t used_ = 0;
};

// x once for every kind of product: quantized codes for each block size, and what each kind derives from them.
class PreparedInput {
 public:
  PreparedInput(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K, const std::vector<InputKind>& kinds)
      : kernels_(*device.kernels().matmul), x_(x), ldx_(ldx), K_(K), kinds_(kinds), sizes_(group_sizes(kernels_, M, kinds)) {
    Arena measure(nullptr);
    lay_out(measure);
    Arena arena(device.scratch(0, Device::kInput, measure.used()));
    lay_out(arena);
    int64_t first = 0;
    for (size_t g = 0; g < sizes_.size(); ++g) {
      for (int slot = 0; slot < sizes_[g]; ++slot) tokens_.push_back({static_cast<int>(g), slot, first + slot});
      first += sizes_[g];
    }
    if (M < kInlineTokens) {
      for (const Token& t : tokens_) prepare(t);
    } else {
      device.run(M, [&](int64_t i, int) { prepare(tokens_[static_cast<size_t>(i)]); });
    }
  }

  // The groups of a kind with the destination of a product filled in.
  [[nodiscard]] std::vector<InputGroup> groups(const InputKind& kind, float* y, int64_t ldy) const {
    const auto at = static_cast<size_t>(std::find(kinds_.begin(), kinds_.end(), kind) - kinds_.begin());
    std::vector<InputGroup> out = per_kind_[at];
    int64_t first = 0;
    for (size_t g = 0; g < out.size(); ++g) {
      out[g].y = y + first * ldy;
      out[g].ldy = ldy;
      first += sizes_[g];
    }
    return out;
  }

 private:
  struct Token {
    int group;
    int slot;
    int64_t row;
  };

  void lay_out(Arena& arena) {
    per_kind_.assign(kinds_.size(), std::vector<InputGroup>(sizes_.size()));
    for (size_t k = 0; k < kinds_.size(); ++k) {
      const InputKind& kind = kinds_[k];
      const auto shared = static_cast<size_t>(
          std::find_if(kinds_.begin(), kinds_.end(), [&](const InputKind& o) { return o.same_codes(kind); }) - kinds_.begin());
      for (size_t g = 0; g < sizes_.size(); ++g) {
        InputGroup& group = per_kind_[k][g];
        const int n = sizes_[g];
        group = InputGroup{};
        group.tokens = n;
        if (!kind.quantized) {
          group.x = arena.take<float>(K_ * n);
          continue;
        }
        const InputGroup& same = per_kind_[shared][g];
        group.q = shared < k ? same.q : arena.take<int8_t>((K_ + 63) / 64 * 64 * n);
        group.d = shared < k ? same.d : arena.take<float>(K_ / kind.input_block * n);
        group.init = arena.take<int32_t>(K_ / kind.input_block * n);
        if (kind.mins > 0) group.sum = arena.take<float>(K_ / kBlock * kind.mins * n);
      }
    }
  }

  void prepare(const Token& token) const {
    const float* row = x_ + token.row * ldx_;
    for (size_t k = 0; k < kinds_.size(); ++k) {
      const InputGroup& group = per_kind_[k][static_cast<size_t>(token.group)];
      if (!kinds_[k].quantized) {
        auto* to = const_cast<float*>(group.x) + token.slot;
        for (int64_t i = 0; i < K_; ++i) to[i * group.tokens] = row[i];
        continue;
      }
      const bool first = std::none_of(kinds_.begin(), kinds_.begin() + static_cast<std::ptrdiff_t>(k),
                                      [&](const InputKind& o) { return o.same_codes(kinds_[k]); });
      if (first) {
        // The plain sums are left in this kind's `init` and copied from there.
        kernels_.quantize_row(row, K_, kinds_[k].input_block, group.tokens, token.slot, const_cast<int8_t*>(group.q),
                              const_cast<float*>(group.d), const_cast<int32_t*>(group.init));
      }
    }
    // Later kinds first: they read the sums that the first kind of their block size still holds.
    for (size_t k = kinds_.size(); k-- > 0;) {
      if (kinds_[k].quantized) derive(k, token);
    }
  }

  // Minimum sums and starting values of one kind, from the plain sums of the first kind with its codes.
  void derive(size_t k, const Token& token) const {
    const InputKind& kind = kinds_[k];
    const auto shared = static_cast<size_t>(
        std::find_if(kinds_.begin(), kinds_.end(), [&](const InputKind& o) { return o.same_codes(kind); }) - kinds_.begin());
    const auto g = static_cast<size_t>(token.group);
    const InputGroup& group = per_kind_[k][g];
    const int32_t* sums = per_kind_[shared][g].init + token.slot;
    const int n = group.tokens;
    const float* d = group.d + token.slot;
    float* sum = kind.mins > 0 ? const_cast<float*>(group.sum) + token.slot : nullptr;
    const int64_t blocks = K_ / kBlock;
    const auto scaled = [&](int64_t i) { return d[i * n] * static_cast<float>(sums[i * n]); };
    if (kind.mins == 1 && kind.input_block == 16) {
      for (int64_t b = 0; b < blocks; ++b) sum[b * n] = scaled(2 * b) + scaled(2 * b + 1);
    } else if (kind.mins > 0) {
      for (int64_t i = 0; i < blocks * kind.mins; ++i) sum[i * n] = scaled(i);
    }
    auto* init = const_cast<int32_t*>(group.init) + token.slot;
    for (int64_t i = 0; i < K_ / kind.input_block; ++i) init[i * n] = kernels_.init_bias - kind.offset * sums[i * n];
  }

  const MatmulKernels& kernels_;
  const float* x_;
  int64_t ldx_;
  int64_t K_;
  const std::vector<InputKind>& kinds_;
  std::vector<int> sizes_;
  std::vector<Token> tokens_;
  std::vector<std::vector<InputGroup>> per_kind_;  // [kind][group]
};

// Some tiles of one product, for some of its groups: what a thread claims at a time.
struct Piece {
  size_t product;
  int64_t tile;
  int tiles;
  int first_group;
  int groups;
};

constexpr int kGemmTiles = 4;                    // 64 rows: their unpacked slice stays in the L2 cache
constexpr int64_t kDirectBytes = int64_t{96} << 10;  // weights a thread streams at a time for few tokens

int tiles_per_piece(const PackedMatrix& w, int64_t M, const Device& device) {
  if (M > device.kernels().matmul->direct_tokens) return kGemmTiles;
  const int64_t by_size = std::max<int64_t>(1, kDirectBytes / w.tile_bytes());
  const int64_t by_share = std::max<int64_t>(1, w.tiles() / (4 * device.threads()));
  return static_cast<int>(std::min(by_size, by_share));
}

std::vector<Piece> cut(const Device& device, std::span<const Product> products, int64_t M, int group_count) {
  int64_t row_pieces = 0;
  for (const Product& p : products) {
    const int step = tiles_per_piece(*p.w, M, device);
    row_pieces += (p.w->tiles() + step - 1) / step;
  }
  // Few rows and many tokens: split the tokens too, as long as unpacking stays small beside multiplying.
  const int64_t wanted = (4 * device.threads() + row_pieces - 1) / row_pieces;
  const int parts = static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max(1, group_count / 8)));
  std::vector<Piece> pieces;
  pieces.reserve(static_cast<size_t>(row_pieces * parts));
  for (size_t i = 0; i < products.size(); ++i) {
    const PackedMatrix& w = *products[i].w;
    const int step = tiles_per_piece(w, M, device);
    for (int64_t tile = 0; tile < w.tiles(); tile += step) {
      for (int part = 0; part < parts; ++part) {
        const int first = group_count * part / parts;
        const int end = group_count * (part + 1) / parts;
        pieces.push_back({i, tile, static_cast<int>(std::min<int64_t>(step, w.tiles() - tile)), first, end - first});
      }
    }
  }
  return pieces;
}

constexpr int64_t kRefinedFloats = int64_t{4} << 20;  // of results held for the second rows: bounds the tokens at a time

// y = q(x)·Wᵀ + q(x − q(x))·Wᵀ: both rows are tokens of one quantized product, so the weights are read once. The
// products' input blocks are alike.
void matmul_refined(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                    std::span<const Product> products) {
  const int block = quant_traits(products[0].w->dtype()).input_block;
  int64_t all_rows = 0;
  for (const Product& p : products) all_rows += p.w->rows();
  const int64_t most = std::min(M, std::max<int64_t>(16, kRefinedFloats / all_rows));
  std::vector<float> both(static_cast<size_t>(2 * most * K));
  std::vector<float> results(static_cast<size_t>(2 * most * all_rows));
  for (int64_t first = 0; first < M; first += most) {
    const int64_t n = std::min(most, M - first);
    const auto split = [&](int64_t m, int) {
      const float* row = x + (first + m) * ldx;
      std::copy(row, row + K, both.data() + m * K);
      device.kernels().matmul->residual_row(row, K, block, both.data() + (n + m) * K);
    };
    if (n < kInlineTokens) {
      for (int64_t m = 0; m < n; ++m) split(m, 0);
    } else {
      device.run(n, split);
    }
    std::vector<Product> halves;
    float* at = results.data();
    for (const Product& p : products) {
      halves.push_back({p.w, at, p.w->rows()});
      at += 2 * n * p.w->rows();
    }
    matmul(device, Arithmetic::quantized, both.data(), K, 2 * n, K, halves);
    for (size_t i = 0; i < products.size(); ++i) {
      const int64_t rows = halves[i].ldy;
      constexpr int64_t kAtOnce = 8192;  // a head's row is long, and there may be one token only
      const int64_t parts = (rows + kAtOnce - 1) / kAtOnce;
      device.run(n * parts, [&](int64_t chunk, int) {
        const int64_t m = chunk / parts;
        const float* one = halves[i].y + m * rows;
        const float* two = one + n * rows;
        float* y = products[i].y + (first + m) * products[i].ldy;
        const int64_t end = std::min(rows, (chunk % parts + 1) * kAtOnce);
        for (int64_t r = chunk % parts * kAtOnce; r < end; ++r) y[r] = one[r] + two[r];
      });
    }
  }
}

// Products of one refined call, those together that read x in the same blocks.
void matmul_refined_by_block(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                             std::span<const Product> products) {
  std::vector<Product> plain, of_16, of_32;
  for (const Product& p : products) {
    (is_float(p.w->dtype()) ? plain : quant_traits(p.w->dtype()).input_block == 16 ? of_16 : of_32).push_back(p);
  }
  if (!plain.empty()) matmul(device, Arithmetic::quantized, x, ldx, M, K, plain);
  if (!of_16.empty()) matmul_refined(device, x, ldx, M, K, of_16);
  if (!of_32.empty()) matmul_refined(device, x, ldx, M, K, of_32);
}

}  // namespace

void matmul(const Device& device, Arithmetic arithmetic, const float* x, int64_t ldx, int64_t M, int64_t K,
            std::span<const Product> products) {
  if (M == 0) return;
  if (arithmetic == Arithmetic::refined) return matmul_refined_by_block(device, x, ldx, M, K, products);
  std::vector<InputKind> kinds;
  for (const Product& p : products) {
    MANG_CHECK(p.w->cols() == K);
    const InputKind kind = kind_of(*p.w, arithmetic);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  const PreparedInput input(device, x, ldx, M, K, kinds);
  std::vector<std::vector<InputGroup>> groups;
  for (const Product& p : products) groups.push_back(input.groups(kind_of(*p.w, arithmetic), p.y, p.ldy));
  const std::vector<Piece> pieces = cut(device, products, M, static_cast<int>(groups[0].size()));
  const MatmulKernels& kernels = *device.kernels().matmul;
  device.run(static_cast<int64_t>(pieces.size()), [&](int64_t chunk, int thread) {
    const Piece& piece = pieces[static_cast<size_t>(chunk)];
    const PackedMatrix& w = *products[piece.product].w;
    std::vector<InputGroup>& all = groups[piece.product];
    const int64_t row = piece.tile * kTileRows;
    const WeightTiles tiles{w.dtype(), reinterpret_cast<const uint8_t*>(w.tile(piece.tile)), tile_layout(w.dtype(), K), K,
                            piece.tiles, static_cast<int>(std::min<int64_t>(w.rows() - row, piece.tiles * kTileRows))};
    InputGroup local[64];
    for (int done = 0; done < piece.groups;) {
      const int count = std::min(64, piece.groups - done);
      for (int g = 0; g < count; ++g) {
        local[g] = all[static_cast<size_t>(piece.first_group + done + g)];
        local[g].y += row;
      }
      std::byte* scratch = device.scratch(thread, Device::kUnpacked, static_cast<size_t>(cpu::unpack_bytes(piece.tiles)));
      auto* unpacked = reinterpret_cast<uint8_t*>(scratch);
      if (local[0].x != nullptr) {
        kernels.gemm_float(tiles, local, count, unpacked);
      } else if (M <= kernels.direct_tokens) {
        kernels.direct(tiles, local[0]);
      } else {
        kernels.gemm(tiles, local, count, unpacked);
      }
      done += count;
    }
  });
}

}  // namespace mang
