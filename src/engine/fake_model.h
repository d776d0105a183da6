// A model for tests: its "K and V" are the token ids themselves, and its logits are a hash of the ids it finds in the
// pages of a sequence. A wrong block table, a stale page or a missing copy changes the answer; a write to a block that
// others hold is counted. Needs no weights and no device.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "model/model.h"

namespace mang {

struct FakeModelOptions {
  int64_t vocab = 256;
  int64_t context = 4096;
  int64_t layers = 2;
  // The token to follow these, made the best by far; nullopt: whatever the hash gives.
  std::function<std::optional<int32_t>(std::span<const int32_t>)> script;
  std::optional<int32_t> nan_token;  // logits after this token are NaN
  double seconds_a_token = 0;        // how long a forward pretends to take
};

class FakeModel : public Model {
 public:
  explicit FakeModel(FakeModelOptions options);

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] Result<std::vector<KvLayout>> kv_layout(KvType type) const override;
  void forward(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv, float* logits) override;

  // The logits [vocab] after these tokens, without any cache: what forward() has to give.
  void expected_logits(std::span<const int32_t> tokens, float* row) const;
  // The best token after these, the lowest id among equals.
  [[nodiscard]] int32_t expected_best(std::span<const int32_t> tokens) const;

  // Faults seen: pages that do not hold what their position says, layers that disagree, writes to shared blocks.
  [[nodiscard]] int64_t faults() const { return faults_; }
  // Tokens of each slice of each forward so far.
  [[nodiscard]] const std::vector<std::vector<int64_t>>& steps() const { return steps_; }

 private:
  void store(const BatchSlice& slice, KvPool& kv);
  std::vector<int32_t> recall(const BatchSlice& slice, int64_t positions, const KvPool& kv);

  FakeModelOptions options_;
  ModelInfo info_;
  int64_t faults_ = 0;
  std::vector<std::vector<int64_t>> steps_;
};

}  // namespace mang
