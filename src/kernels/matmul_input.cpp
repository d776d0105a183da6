#include "kernels/matmul_input.h"

#include <algorithm>

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

namespace {

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

PreparedInput::PreparedInput(const Device& device, const float* x, int64_t ldx, int64_t M, int64_t K,
                             const std::vector<InputKind>& kinds)
    : kernels_(*device.kernels().matmul),
      x_(x),
      ldx_(ldx),
      K_(K),
      kinds_(kinds),
      sizes_(group_sizes(kernels_, M, kinds)) {
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

std::vector<InputGroup> PreparedInput::groups(const InputKind& kind, float* y, int64_t ldy) const {
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

void PreparedInput::prepare(const Token& token) const {
  const float* row = x_ + token.row * ldx_;
  for (size_t k = 0; k < kinds_.size(); ++k) {
    const InputGroup& group = per_kind_[k][static_cast<size_t>(token.group)];
    if (!kinds_[k].quantized) {
      auto* to = const_cast<float*>(group.x) + token.slot;
      for (int64_t i = 0; i < K_; ++i) to[i * group.tokens] = row[i];
      continue;
    }
    if (owner_of_codes(k) == k) {
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
void PreparedInput::derive(size_t k, const Token& token) const {
  const InputKind& kind = kinds_[k];
  const auto shared = owner_of_codes(k);
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

}  // namespace mang
