#include "engine/collect_logits.h"

#include <sys/mman.h>

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
  return KvPool::create(std::move(layers), blocks_for(positions));
}

namespace {

// Large memory that is about to be written whole: on 4 KiB pages the system takes longer to hand it out than the rows
// take to compute. Advice only; without it the pages are small.
void advise_huge_pages(float* memory, size_t bytes) {
  constexpr uintptr_t kHugePage = uintptr_t{2} << 20;
  const auto begin = (reinterpret_cast<uintptr_t>(memory) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kHugePage * kHugePage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace

LogitsCollector::LogitsCollector(Model& model, const Device& device, Arithmetic arithmetic, KvPool pool, int64_t chunk,
                                 std::unique_ptr<float[]> logits)
    : model_(&model),
      device_(&device),
      arithmetic_(arithmetic),
      pool_(std::move(pool)),
      chunk_(chunk),
      silent_chunk_(chunk),
      logits_(std::move(logits)) {
  for (int64_t i = 0; i < pool_.blocks(); ++i) blocks_.push_back(pool_.allocate());
}

Result<LogitsCollector> LogitsCollector::create(Model& model, const Device& device, Arithmetic arithmetic,
                                                KvType kv_type, int64_t positions, int64_t chunk) {
  const int64_t vocab = model.info().vocab;
  chunk = std::min(chunk, positions);
  MANG_TRY(KvPool pool, create_pool(model, kv_type, positions));
  std::unique_ptr<float[]> logits(new (std::nothrow) float[static_cast<size_t>(chunk * vocab)]);
  if (logits == nullptr) {
    return fail("No memory for the logits of {} tokens at once ({} bytes). Use a smaller chunk.", chunk,
                static_cast<uint64_t>(chunk) * static_cast<uint64_t>(vocab) * sizeof(float));
  }
  advise_huge_pages(logits.get(), static_cast<size_t>(chunk * vocab) * sizeof(float));
  return LogitsCollector(model, device, arithmetic, std::move(pool), chunk, std::move(logits));
}

Result<void> LogitsCollector::run(std::span<const int32_t> ids, int64_t first_wanted, const LogitsSink& sink,
                                  const Progress& progress) {
  const auto count = static_cast<int64_t>(ids.size());
  MANG_CHECK(count <= static_cast<int64_t>(blocks_.size()) * kPagePositions);
  for (int64_t first = 0; first < count;) {
    const bool wanted = first >= first_wanted;
    const int64_t n =
        wanted ? std::min(chunk_, count - first) : std::min(silent_chunk_, std::min(first_wanted, count) - first);
    const BatchSlice slice{ids.subspan(static_cast<size_t>(first), static_cast<size_t>(n)), first, blocks_,
                           wanted ? LogitsFor::all : LogitsFor::none};
    model_->forward(*device_, arithmetic_, Batch{{&slice, 1}}, pool_, logits_.get());
    if (wanted) MANG_TRY(sink(first, n, logits_.get()));
    first += n;
    if (progress) MANG_TRY(progress(first));
  }
  return {};
}

Result<void> collect_logits(Model& model, const Device& device, Arithmetic arithmetic, KvType kv_type,
                            std::span<const int32_t> ids, int64_t chunk, const LogitsSink& sink) {
  const auto count = static_cast<int64_t>(ids.size());
  if (ids.empty()) return fail("There are no token ids: there is nothing to compute.");
  if (count > model.info().context) {
    return fail("There are {} tokens, but the model's context holds {}.", count, model.info().context);
  }
  if (chunk < 0) return fail("The chunk is {}; it must be 0 (all at once) or more.", chunk);
  MANG_TRY(check_ids(ids, model.info().vocab));
  MANG_TRY(LogitsCollector collector,
           LogitsCollector::create(model, device, arithmetic, kv_type, count, chunk == 0 ? count : chunk));
  return collector.run(ids, 0, sink);
}

}  // namespace mang
