#include "model/model.h"

namespace mang {

int64_t Batch::token_count() const {
  int64_t count = 0;
  for (const BatchSlice& slice : slices) count += static_cast<int64_t>(slice.tokens.size());
  return count;
}

int64_t Batch::logits_count() const {
  int64_t count = 0;
  for (const BatchSlice& slice : slices) {
    const auto tokens = static_cast<int64_t>(slice.tokens.size());
    if (slice.logits == LogitsFor::all) count += tokens;
    if (slice.logits == LogitsFor::last) count += tokens > 0 ? 1 : 0;
  }
  return count;
}

}  // namespace mang
