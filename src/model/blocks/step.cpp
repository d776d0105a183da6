#include "model/blocks/step.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/check.h"

namespace mang {

void Workspace::Free::operator()(float* memory) const { ::operator delete[](memory, std::align_val_t{64}); }

float* Workspace::floats(Buffer buffer, int64_t count) {
  Slot& slot = slots_[buffer];
  if (count > slot.count) {
    slot.count = 0;
    slot.memory.reset();  // first give back, then take: never both at once
    slot.memory.reset(
        static_cast<float*>(::operator new[](static_cast<size_t>(count) * sizeof(float), std::align_val_t{64})));
    slot.count = count;
  }
  return slot.memory.get();
}

void Step::begin(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv) {
  device_ = &device;
  arithmetic_ = arithmetic;
  batch_ = &batch;
  kv_ = &kv;
  tokens_.clear();
  positions_.clear();
  wanted_.clear();
  end_position_ = 0;
  for (const BatchSlice& slice : batch.slices) {
    const auto count = static_cast<int64_t>(slice.tokens.size());
    const int64_t end = slice.first_position + count;
    MANG_CHECK(slice.first_position >= 0);
    MANG_CHECK(static_cast<int64_t>(slice.blocks.size()) * kPagePositions >= end);
    for (int64_t i = 0; i < count; ++i) {
      if (slice.logits == LogitsFor::all || (slice.logits == LogitsFor::last && i + 1 == count))
        wanted_.push_back(tokens());
      tokens_.push_back(slice.tokens[static_cast<size_t>(i)]);
      positions_.push_back(slice.first_position + i);
    }
    end_position_ = std::max(end_position_, end);
  }
}

void Step::attend(int64_t layer, const AttentionParams& params, const float* q, float* out) {
  pages_.clear();
  for (const BatchSlice& slice : batch_->slices) {
    for (const BlockId block : slice.blocks) pages_.push_back(kv_->page(block, layer));
  }
  attention_.clear();
  const std::byte* const* pages = pages_.data();
  for (const BatchSlice& slice : batch_->slices) {
    const auto queries = static_cast<int64_t>(slice.tokens.size());
    if (queries > 0) attention_.push_back({queries, slice.first_position, pages, q, out});
    pages += slice.blocks.size();
    q += queries * params.ldq;
    out += queries * params.ldout;
  }
  attention(*device_, kv_->layers()[static_cast<size_t>(layer)], params, attention_.data(),
            static_cast<int64_t>(attention_.size()));
}

}  // namespace mang
