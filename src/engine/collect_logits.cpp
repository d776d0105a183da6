#include "engine/collect_logits.h"

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

namespace mang {

Result<void> check_ids(std::span<const int32_t> ids, int64_t vocab) {
  const auto wrong = std::find_if(ids.begin(), ids.end(), [vocab](int32_t id) { return id < 0 || id >= vocab; });
  if (wrong == ids.end()) return {};
  return fail("Token {} (at index {}) does not exist: this model's tokens are 0 to {}.", *wrong, wrong - ids.begin(),
              vocab - 1);
}

Result<KvPool> create_pool(const Model& model, KvType kv_type, int64_t positions) {
  MANG_TRY(std::vector<KvLayout> layers, model.kv_layout(kv_type));
  return KvPool::create(std::move(layers), (positions + kPagePositions - 1) / kPagePositions);
}

Result<void> collect_logits(Model& model, const Device& device, Arithmetic arithmetic, KvType kv_type,
                            std::span<const int32_t> ids, int64_t chunk, const LogitsSink& sink) {
  const int64_t vocab = model.info().vocab;
  const auto count = static_cast<int64_t>(ids.size());
  if (ids.empty()) return fail("There are no token ids: there is nothing to compute.");
  if (count > model.info().context) {
    return fail("There are {} tokens, but the model's context holds {}.", count, model.info().context);
  }
  if (chunk < 0) return fail("The chunk is {}; it must be 0 (all at once) or more.", chunk);
  MANG_TRY(check_ids(ids, vocab));
  chunk = chunk == 0 ? count : std::min(chunk, count);
  MANG_TRY(KvPool pool, create_pool(model, kv_type, count));
  std::vector<BlockId> blocks(static_cast<size_t>(pool.blocks()));
  for (BlockId& block : blocks) block = pool.allocate();
  const std::unique_ptr<float[]> logits(new (std::nothrow) float[static_cast<size_t>(chunk * vocab)]);
  if (logits == nullptr) {
    return fail("No memory for the logits of {} tokens at once ({} bytes). Use a smaller chunk.", chunk,
                static_cast<uint64_t>(chunk) * static_cast<uint64_t>(vocab) * sizeof(float));
  }
  for (int64_t first = 0; first < count; first += chunk) {
    const int64_t n = std::min(chunk, count - first);
    const BatchSlice slice{ids.subspan(static_cast<size_t>(first), static_cast<size_t>(n)), first, blocks,
                           LogitsFor::all};
    model.forward(device, arithmetic, Batch{{&slice, 1}}, pool, logits.get());
    MANG_TRY(sink(first, n, logits.get()));
  }
  return {};
}

}  // namespace mang
