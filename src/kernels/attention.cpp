#include "kernels/attention.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/check.h"
#include "kernels/cpu/attention_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/op_trace.h"

namespace mang {

namespace {

using cpu::AttentionTask;
using cpu::PageRange;

// Pieces of work wanted for each thread, so that a thread held up by another program costs little.
constexpr int64_t kPiecesPerThread = 4;
// A page range is not cut finer than this: each cut costs a pass over what its pages gave.
constexpr int64_t kLeastPages = 4;

int64_t bytes_of(KvType type, int64_t elements) {
  switch (type) {
    case KvType::f32:
      return 4 * elements;
    case KvType::f16:
      return 2 * elements;
    case KvType::q8_0:
      return elements + elements / 32 * static_cast<int64_t>(sizeof(float));
  }
  return 0;
}

cpu::KvHead head_of(const KvLayout& layout, int64_t kv_head) {
  const auto element = layout.type == KvType::f32   ? cpu::KvElement::f32
                       : layout.type == KvType::f16 ? cpu::KvElement::f16
                                                    : cpu::KvElement::q8_0;
  return {element, layout.head_dim, layout.v_head_dim, kv_head * layout.k_head_bytes(),
          layout.kv_heads * layout.k_head_bytes() + kv_head * layout.v_head_bytes()};
}

void check_layout(const KvLayout& layout) {
  MANG_CHECK(layout.kv_heads > 0 && layout.head_dim > 0 && layout.v_head_dim > 0);
  MANG_CHECK(layout.type != KvType::q8_0 || (layout.head_dim % 32 == 0 && layout.v_head_dim % 32 == 0));
}

// The queries of one kv head for some tokens of a slice. Its pages may be cut into spans that are claimed apart; who
// finishes the last one combines them.
struct QueryBlock {
  const AttentionSlice* slice;
  int64_t kv_head;
  int64_t first_token;
  int64_t tokens;
  PageRange pages;
  int64_t spans = 1;
  int64_t partials = 0;  // where its partials start, in floats
};

struct Piece {
  int64_t block;
  int64_t span;
};

class Plan {
 public:
  Plan(const Device& device, const KvLayout& layout, const AttentionParams& params, const AttentionSlice* slices,
       int64_t slice_count)
      : layout_(layout), params_(params), group_(params.heads / layout.kv_heads) {
    const int64_t wanted = device.threads() == 1 ? 1 : kPiecesPerThread * device.threads();
    make_blocks(slices, slice_count, wanted);
    make_pieces(wanted);
  }

  [[nodiscard]] int64_t pieces() const { return static_cast<int64_t>(pieces_.size()); }
  [[nodiscard]] int64_t partial_floats() const { return partial_floats_; }
  [[nodiscard]] int64_t scratch_floats() const {
    return std::max(cpu::attention_scratch(most_tokens_ * group_, layout_.head_dim, layout_.v_head_dim),
                    2 * most_pages_);
  }

  void run_piece(const cpu::AttentionKernels& kernels, int64_t piece, float* partials, float* scratch) {
    const auto& [index, span] = pieces_[static_cast<size_t>(piece)];
    const QueryBlock& block = blocks_[static_cast<size_t>(index)];
    AttentionTask task = task_of(block, scratch);
    if (block.spans == 1) {
      kernels.attend(task);
      return;
    }
    const int64_t count = block.pages.end - block.pages.first;
    task.first_page = block.pages.first + count * span / block.spans;
    task.page_end = block.pages.first + count * (span + 1) / block.spans;
    task.partials = partials + block.partials + (task.first_page - block.pages.first) * page_floats(block);
    kernels.attend(task);
    if (unfinished_[index].fetch_sub(1, std::memory_order_acq_rel) == 1) {
      combine(kernels, block, task, partials + block.partials, scratch);
    }
  }

 private:
  // Blocks of tokens: as many rows as share a page well, fewer where there would be too few blocks.
  void make_blocks(const AttentionSlice* slices, int64_t slice_count, int64_t wanted) {
    int64_t queries = 0;
    for (int64_t s = 0; s < slice_count; ++s) queries += slices[s].queries;
    const int64_t most = std::max<int64_t>(1, cpu::kMaxTaskRows / group_);
    const int64_t fair = queries * layout_.kv_heads / wanted;
    const int64_t least = std::max<int64_t>(1, 16 / group_);
    const int64_t tokens = std::clamp(fair, std::min(least, most), most);
    for (int64_t s = 0; s < slice_count; ++s) {
      const AttentionSlice& slice = slices[s];
      const int64_t count = (slice.queries + tokens - 1) / tokens;
      for (int64_t i = count - 1; i >= 0; --i) {  // the longest first
        for (int64_t h = 0; h < layout_.kv_heads; ++h) {
          QueryBlock block{&slice, h, slice.queries * i / count, 0, {}};
          block.tokens = slice.queries * (i + 1) / count - block.first_token;
          const int64_t position = slice.first_position + block.first_token;
          block.pages = {cpu::visible_pages(position, params_.window).first,
                         cpu::visible_pages(position + block.tokens - 1, params_.window).end};
          most_tokens_ = std::max(most_tokens_, block.tokens);
          most_pages_ = std::max(most_pages_, block.pages.end - block.pages.first);
          blocks_.push_back(block);
        }
      }
    }
  }

  void make_pieces(int64_t wanted) {
    int64_t all_pages = 0;
    for (const QueryBlock& block : blocks_) all_pages += block.pages.end - block.pages.first;
    const bool enough = static_cast<int64_t>(blocks_.size()) >= wanted;
    const int64_t span_pages = std::max(kLeastPages, all_pages / std::max<int64_t>(1, wanted));
    unfinished_ = std::make_unique<std::atomic<int64_t>[]>(blocks_.size());
    for (size_t i = 0; i < blocks_.size(); ++i) {
      QueryBlock& block = blocks_[i];
      const int64_t pages = block.pages.end - block.pages.first;
      if (!enough) block.spans = std::max<int64_t>(1, pages / span_pages);
      unfinished_[i].store(block.spans, std::memory_order_relaxed);
      if (block.spans > 1) {
        block.partials = partial_floats_;
        partial_floats_ += pages * page_floats(block);
      }
      for (int64_t span = 0; span < block.spans; ++span) pieces_.push_back({static_cast<int64_t>(i), span});
    }
  }

  [[nodiscard]] int64_t page_floats(const QueryBlock& block) const {
    return block.tokens * group_ * cpu::partial_stride(layout_.v_head_dim);
  }

  [[nodiscard]] AttentionTask task_of(const QueryBlock& block, float* scratch) const {
    const AttentionSlice& slice = *block.slice;
    AttentionTask task{};
    task.kv = head_of(layout_, block.kv_head);
    task.pages = slice.pages;
    task.first_page = block.pages.first;
    task.page_end = block.pages.end;
    task.q = slice.q + block.first_token * params_.ldq + block.kv_head * group_ * layout_.head_dim;
    task.ldq = params_.ldq;
    task.group = group_;
    task.tokens = block.tokens;
    task.first_position = slice.first_position + block.first_token;
    task.scale = params_.scale;
    task.window = params_.window;
    task.score_cap = params_.score_cap;
    task.out = slice.out + block.first_token * params_.ldout + block.kv_head * group_ * layout_.v_head_dim;
    task.ldout = params_.ldout;
    task.scratch = scratch;
    return task;
  }

  void combine(const cpu::AttentionKernels& kernels, const QueryBlock& block, const AttentionTask& task,
               const float* partials, float* factors) const {
    const int64_t stride = cpu::partial_stride(layout_.v_head_dim);
    for (int64_t row = 0; row < block.tokens * group_; ++row) {
      const PageRange seen = cpu::visible_pages(task.first_position + row / group_, params_.window);
      kernels.combine(partials + (seen.first - block.pages.first) * page_floats(block) + row * stride,
                      page_floats(block), seen.end - seen.first, layout_.v_head_dim, factors,
                      task.out + row / group_ * params_.ldout + row % group_ * layout_.v_head_dim);
    }
  }

  const KvLayout& layout_;
  const AttentionParams& params_;
  int64_t group_;
  std::vector<QueryBlock> blocks_;
  std::vector<Piece> pieces_;
  std::unique_ptr<std::atomic<int64_t>[]> unfinished_;  // spans, for each block
  int64_t partial_floats_ = 0;
  int64_t most_tokens_ = 0;
  int64_t most_pages_ = 0;
};

// Each query with each position it sees, and each such position read once for all queries of its sequence.
OpWork work_of(const KvLayout& layout, const AttentionParams& params, const AttentionSlice* slices, int64_t count) {
  OpWork work;
  const auto seen_from = [&](int64_t position) {
    return params.window > 0 ? std::max<int64_t>(0, position + 1 - params.window) : 0;
  };
  for (int64_t s = 0; s < count; ++s) {
    const int64_t first = slices[s].first_position;
    const int64_t end = first + slices[s].queries;
    int64_t pairs = 0;
    for (int64_t p = first; p < end; ++p) pairs += p + 1 - seen_from(p);
    work.f32_macs += static_cast<double>(pairs * params.heads * (layout.head_dim + layout.v_head_dim));
    const auto positions = static_cast<double>(end - seen_from(first));
    work.bytes += positions * static_cast<double>(layout.page_bytes()) / kPagePositions;
  }
  return work;
}

}  // namespace

int64_t KvLayout::k_head_bytes() const { return bytes_of(type, kPagePositions * head_dim); }
int64_t KvLayout::v_head_bytes() const { return bytes_of(type, kPagePositions * cpu::padded_to_16(v_head_dim)); }

void kv_store(const Device& device, const KvLayout& layout, std::byte* page, int64_t position_in_page, const float* k,
              const float* v) {
  check_layout(layout);
  MANG_CHECK(position_in_page >= 0 && position_in_page < kPagePositions);
  const auto store = device.kernels().attention->store;
  for (int64_t h = 0; h < layout.kv_heads; ++h) {
    store(head_of(layout, h), page, position_in_page, k + h * layout.head_dim, v + h * layout.v_head_dim);
  }
}

void attention(const Device& device, const KvLayout& layout, const AttentionParams& params,
               const AttentionSlice* slices, int64_t slice_count) {
  check_layout(layout);
  MANG_CHECK(params.heads > 0 && params.heads % layout.kv_heads == 0);
  const OpScope scope(device, [&](std::string& name, OpWork& work) {
    name = "attention";
    work = work_of(layout, params, slices, slice_count);
  });
  Plan plan(device, layout, params, slices, slice_count);
  if (plan.pieces() == 0) return;
  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  auto* partials = reinterpret_cast<float*>(
      device.scratch(0, Device::kPartial, static_cast<size_t>(plan.partial_floats() * kFloat)));
  const auto scratch_bytes = static_cast<size_t>(plan.scratch_floats() * kFloat);
  device.run(plan.pieces(), [&](int64_t piece, int thread) {
    auto* scratch = reinterpret_cast<float*>(device.scratch(thread, Device::kTile, scratch_bytes));
    plan.run_piece(*device.kernels().attention, piece, partials, scratch);
  });
}

}  // namespace mang
