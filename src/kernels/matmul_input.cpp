#include "kernels/matmul_input.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/kernels.h"
#include "kernels/packed_layout.h"

namespace mang {

using cpu::InputGroup;
using cpu::MatmulKernels;

InputKind input_kind(const PackedMatrix& w, Arithmetic arithmetic) {
  if (is_float(w.dtype()) || arithmetic == Arithmetic::exact) return {};
  const QuantTraits t = quant_traits(w.dtype());
  return {true, t.input_block, t.offset, t.mins};
}

void add_input_kind(const PackedMatrix& w, Arithmetic arithmetic, std::vector<InputKind>& kinds) {
  const InputKind kind = input_kind(w, arithmetic);
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
}

namespace {

// Tokens in groups as even as can be, none larger than the kernels take: 8 with at most 6 is 4 + 4. refined: tokens
// come in pairs, M pairs.
std::vector<int> group_sizes(const MatmulKernels& kernels, int64_t M, const std::vector<InputKind>& kinds,
                             bool refined) {
  const int each = refined ? 2 : 1;
  std::vector<int> sizes;
  const bool direct = M * each <= kernels.direct_most;
  const bool wide = kernels.wide_group > 0 && M * each >= kernels.wide_least &&
                    std::all_of(kinds.begin(), kinds.end(), [&](const InputKind& kind) {
                      return kind.quantized && kind.input_block >= kernels.wide_block;
                    });
  if (wide) {
    for (; M * each >= kernels.wide_group; M -= kernels.wide_group / each) sizes.push_back(kernels.wide_group);
  }
  const int most = (direct ? kernels.direct_group : kernels.max_group) / each;
  const int64_t count = (M + most - 1) / most;
  for (int64_t i = 0; i < count; ++i) sizes.push_back(each * static_cast<int>((M + i) / count));
  return sizes;
}

std::vector<int> sizes_of_parts(const MatmulKernels& kernels, std::span<const int64_t> parts,
                                const std::vector<InputKind>& kinds) {
  std::vector<int> out;
  for (const int64_t tokens : parts) {
    const std::vector<int> sizes = group_sizes(kernels, tokens, kinds, false);
    out.insert(out.end(), sizes.begin(), sizes.end());
  }
  return out;
}

}  // namespace

// Hands out aligned pieces of one buffer; the first pass (null base) only measures.
class PreparedInput::Arena {
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

// One token quantized, before it goes to its place in a group.
struct PreparedInput::RowBuffers {
  int8_t* q;      // [K]
  float* d;       // [K/16]
  int32_t* sums;  // [K/16]
  float* rest;    // [K]
  float* sum;     // [K/16]
};

PreparedInput::PreparedInput(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                             const std::vector<InputKind>& kinds, bool refined)
    : PreparedInput(device, x, ldx, nullptr, group_sizes(*device.kernels().matmul, M, kinds, refined), M, K, kinds,
                    refined) {}

PreparedInput::PreparedInput(const Device& device, const float* x, int64_t ldx, std::span<const int32_t> source,
                             std::span<const int64_t> parts, int64_t K, const std::vector<InputKind>& kinds)
    : PreparedInput(device, x, ldx, source.data(), sizes_of_parts(*device.kernels().matmul, parts, kinds),
                    static_cast<int64_t>(source.size()), K, kinds, false) {
  int group = 0;
  for (const int64_t tokens : parts) {
    first_of_part_.push_back(group);
    for (int64_t left = tokens; left > 0; ++group) left -= sizes_[static_cast<size_t>(group)];
  }
  first_of_part_.push_back(group);
}

PreparedInput::PreparedInput(const Device& device, const float* x, int64_t ldx, const int32_t* source,
                             std::vector<int> sizes, int64_t M, int64_t K, const std::vector<InputKind>& kinds,
                             bool refined)
    : device_(device),
      kernels_(*device.kernels().matmul),
      x_(x),
      ldx_(ldx),
      source_(source),
      K_(K),
      kinds_(kinds),
      sizes_(std::move(sizes)),
      refined_(refined),
      tokens_(refined ? 2 * M : M) {
  Arena measure(nullptr);
  lay_out(measure);
  Arena arena(device.scratch(0, Device::kInput, measure.used()));
  lay_out(arena);
  int64_t row = 0;
  for (const int size : sizes_) {
    first_row_.push_back(row);
    row += refined ? size / 2 : size;
  }
  // A group at a time: its tokens are interleaved, and threads that shared one would fight for each of its cache lines
  // (measured: a sixth of a prompt's time on two threads).
  if (M < kInlineTokens) {
    for (size_t g = 0; g < sizes_.size(); ++g) prepare_group(g, 0);
  } else {
    device.run(group_count(), [&](int64_t g, int thread) { prepare_group(static_cast<size_t>(g), thread); });
  }
}

std::vector<InputGroup> PreparedInput::groups(const InputKind& kind, float* y, int64_t ldy) const {
  const auto at = static_cast<size_t>(std::find(kinds_.begin(), kinds_.end(), kind) - kinds_.begin());
  std::vector<InputGroup> out = per_kind_[at];
  for (size_t g = 0; g < out.size(); ++g) {
    out[g].y = y + first_row_[g] * ldy;
    out[g].ldy = ldy;
  }
  return out;
}

size_t PreparedInput::owner_of_codes(size_t k) const {
  const auto shares = [&](const InputKind& o) { return o.same_codes(kinds_[k]); };
  return static_cast<size_t>(std::find_if(kinds_.begin(), kinds_.end(), shares) - kinds_.begin());
}

void PreparedInput::lay_out(Arena& arena) {
  per_kind_.assign(kinds_.size(), std::vector<InputGroup>(sizes_.size()));
  for (size_t k = 0; k < kinds_.size(); ++k) {
    const InputKind& kind = kinds_[k];
    const auto shared = owner_of_codes(k);
    for (size_t g = 0; g < sizes_.size(); ++g) {
      InputGroup& group = per_kind_[k][g];
      const int n = sizes_[g];
      group = InputGroup{};
      group.tokens = n;
      group.pairs = refined_;
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

PreparedInput::RowBuffers PreparedInput::row_buffers(int thread) const {
  const auto blocks = static_cast<size_t>(K_ / 16);
  const auto elements = static_cast<size_t>(K_);
  std::byte* at = device_.scratch(thread, Device::kRow, elements * 5 + blocks * 12);
  RowBuffers out{};
  out.rest = reinterpret_cast<float*>(at);
  out.d = out.rest + elements;
  out.sum = out.d + blocks;
  out.sums = reinterpret_cast<int32_t*>(out.sum + blocks);
  out.q = reinterpret_cast<int8_t*>(out.sums + blocks);
  return out;
}

void PreparedInput::prepare_group(size_t g, int thread) const {
  const RowBuffers buffers = row_buffers(thread);
  const int rows = refined_ ? sizes_[g] / 2 : sizes_[g];
  for (int slot = 0; slot < rows; ++slot) {
    const int64_t token = first_row_[g] + slot;
    const float* x = x_ + (source_ == nullptr ? token : source_[token]) * ldx_;
    put(x, g, slot, buffers);
    if (!refined_) continue;
    kernels_.residual_row(x, buffers.q, buffers.d, K_, kinds_[0].input_block, buffers.rest);
    put(buffers.rest, g, rows + slot, buffers);
  }
}

// Leaves the codes and scales of the last block size in the buffers.
void PreparedInput::put(const float* values, size_t g, int slot, const RowBuffers& buffers) const {
  for (size_t k = 0; k < kinds_.size(); ++k) {
    const InputGroup& group = per_kind_[k][g];
    if (!kinds_[k].quantized) {
      auto* to = const_cast<float*>(group.x) + slot;
      for (int64_t i = 0; i < K_; ++i) to[i * group.tokens] = values[i];
    } else if (owner_of_codes(k) == k) {
      kernels_.quantize_row(values, K_, kinds_[k].input_block, buffers.q, buffers.d, buffers.sums);
      put_codes(group, slot, buffers, K_ / kinds_[k].input_block);
      for (size_t o = k; o < kinds_.size(); ++o) {
        if (kinds_[o].same_codes(kinds_[k])) derive(kinds_[o], per_kind_[o][g], slot, buffers);
      }
    }
  }
}

void PreparedInput::put_codes(const InputGroup& group, int slot, const RowBuffers& from, int64_t blocks) const {
  auto* q = const_cast<int8_t*>(group.q);
  auto* d = const_cast<float*>(group.d);
  const int n = group.tokens;
  if (n == 1) {
    std::copy(from.q, from.q + K_, q);
    std::copy(from.d, from.d + blocks, d);
    return;
  }
  if (n == kernels_.wide_group) {
    for (int64_t k = 0; k < K_; k += 64) {
      std::memcpy(q + (k * n) + int64_t{slot} * 64, from.q + k, static_cast<size_t>(std::min<int64_t>(64, K_ - k)));
    }
  } else {
    q += int64_t{slot} * 4;
    for (int64_t k = 0; k < K_; k += 4) std::memcpy(q + k * n, from.q + k, 4);
  }
  for (int64_t b = 0; b < blocks; ++b) d[b * n + slot] = from.d[b];
}

// The sums for minimums and the starting values of one kind.
void PreparedInput::derive(const InputKind& kind, const InputGroup& group, int slot, const RowBuffers& from) const {
  const int n = group.tokens;
  const int64_t blocks = K_ / kind.input_block;
  if (kind.mins > 0) {
    auto* sum = const_cast<float*>(group.sum) + slot;
    for (int64_t b = 0; b < blocks; ++b) from.sum[b] = from.d[b] * static_cast<float>(from.sums[b]);
    if (kind.mins == 1 && kind.input_block == 16) {
      for (int64_t b = 0; b < blocks / 2; ++b) sum[b * n] = from.sum[2 * b] + from.sum[2 * b + 1];
    } else {
      for (int64_t b = 0; b < blocks; ++b) sum[b * n] = from.sum[b];
    }
  }
  auto* init = const_cast<int32_t*>(group.init) + slot;
  for (int64_t b = 0; b < blocks; ++b) init[b * n] = kernels_.init_bias - kind.offset * from.sums[b];
}

}  // namespace mang
