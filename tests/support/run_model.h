// Runs a model over token ids for tests, in chunks of a size of one's choice.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "load/load_model.h"
#include "load/model_files.h"
#include "model/model.h"

namespace mang::test {

// A pool of threads with a device on it.
struct Machine {
  explicit Machine(int threads = 2, Isa isa = best_isa()) : pool(threads), device(pool, isa) {}
  ThreadPool pool;
  Device device;
};

inline std::unique_ptr<Model> load_for_test(const std::string& path, const Device& device, const Log& log = {}) {
  auto files = ModelFiles::open(path, log);
  REQUIRE_MESSAGE(files.ok(), (files.ok() ? "" : files.error().message));
  auto model = load_weights(*files, device, log);
  REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().message));
  return std::move(model).value();
}

struct RunOptions {
  Arithmetic arithmetic = Arithmetic::exact;
  KvType kv = KvType::f32;
  int64_t chunk = 0;  // tokens of one forward; 0: all
};

// One sequence in a cache of its own.
class Sequence {
 public:
  Sequence(Model& model, const Device& device, RunOptions options, int64_t positions)
      : model_(model), device_(device), options_(options), kv_(make_pool(model, options.kv, positions)) {
    for (int64_t i = 0; i < kv_.blocks(); ++i) blocks_.push_back(kv_.allocate());
  }

  // The logits of all tokens, [tokens, vocab].
  std::vector<float> feed(const std::vector<int32_t>& tokens) {
    const int64_t vocab = model_.info().vocab;
    const auto count = static_cast<int64_t>(tokens.size());
    const int64_t chunk = options_.chunk > 0 ? options_.chunk : count;
    std::vector<float> logits(static_cast<size_t>(count * vocab));
    for (int64_t at = 0; at < count; at += chunk) {
      const auto size = static_cast<size_t>(std::min(chunk, count - at));
      const BatchSlice slice = {{tokens.data() + at, size}, position_, blocks_, LogitsFor::all};
      model_.forward(device_, options_.arithmetic, Batch{{&slice, 1}}, kv_, logits.data() + at * vocab);
      position_ += static_cast<int64_t>(size);
    }
    return logits;
  }

 private:
  static KvPool make_pool(const Model& model, KvType type, int64_t positions) {
    auto layout = model.kv_layout(type);
    REQUIRE(layout.ok());
    auto pool = KvPool::create(*layout, blocks_for(positions));
    REQUIRE(pool.ok());
    return std::move(pool).value();
  }

  Model& model_;
  const Device& device_;
  RunOptions options_;
  KvPool kv_;
  std::vector<BlockId> blocks_;
  int64_t position_ = 0;
};

inline std::vector<float> logits_of(Model& model, const Device& device, const std::vector<int32_t>& ids,
                                    RunOptions options) {
  return Sequence(model, device, options, static_cast<int64_t>(ids.size())).feed(ids);
}

// The ids that follow `ids` when the largest logit always wins.
inline std::vector<int32_t> greedy_of(Model& model, const Device& device, const std::vector<int32_t>& ids, size_t count,
                                      RunOptions options) {
  Sequence sequence(model, device, options, static_cast<int64_t>(ids.size() + count));
  std::vector<float> logits = sequence.feed(ids);
  std::vector<int32_t> out;
  for (;;) {
    const auto last = logits.end() - model.info().vocab;
    out.push_back(static_cast<int32_t>(std::max_element(last, logits.end()) - last));
    if (out.size() == count) return out;
    logits = sequence.feed({out.back()});
  }
}

}  // namespace mang::test
