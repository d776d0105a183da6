// What one forward hands from block to block: the batch as one run of tokens, where its sequences begin, and the
// working memory that is kept between forwards.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/attention.h"
#include "kernels/device.h"
#include "kernels/matmul.h"
#include "model/model.h"

namespace mang {

// Growing buffers of floats, 64-byte aligned, not initialized. What is in one is lost when it grows.
class Workspace {
 public:
  enum Buffer { kStream, kNormed, kBlockOut, kQuery, kKey, kValue, kAttended, kInner, kRouter, kWanted, kBuffers };

  float* floats(Buffer buffer, int64_t count);

 private:
  struct Free {
    void operator()(float* memory) const;
  };
  struct Slot {
    std::unique_ptr<float[], Free> memory;
    int64_t count = 0;
  };
  Slot slots_[kBuffers];
};

// One forward. Kept by the model and begun anew for each, so that nothing is allocated for a batch as large as an
// earlier one.
class Step {
 public:
  void begin(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv);

  [[nodiscard]] const Device& device() const { return *device_; }
  [[nodiscard]] Arithmetic arithmetic() const { return arithmetic_; }
  [[nodiscard]] const Batch& batch() const { return *batch_; }
  [[nodiscard]] KvPool& kv() const { return *kv_; }
  [[nodiscard]] Workspace& work() { return work_; }

  [[nodiscard]] int64_t tokens() const { return static_cast<int64_t>(tokens_.size()); }  // M, all slices together
  [[nodiscard]] const int32_t* token_ids() const { return tokens_.data(); }              // [M]
  [[nodiscard]] const int64_t* positions() const { return positions_.data(); }           // [M]
  [[nodiscard]] int64_t end_position() const { return end_position_; }                   // one past the last position
  [[nodiscard]] const std::vector<int64_t>& wanted() const { return wanted_; }  // rows of [M] whose logits are wanted

  // Attention of all slices over what the cache holds of `layer`. q, out: [M, H·K] as params say.
  void attend(int64_t layer, const AttentionParams& params, const float* q, float* out);

 private:
  const Device* device_ = nullptr;
  Arithmetic arithmetic_ = Arithmetic::quantized;
  const Batch* batch_ = nullptr;
  KvPool* kv_ = nullptr;
  Workspace work_;
  std::vector<int32_t> tokens_;
  std::vector<int64_t> positions_;
  std::vector<int64_t> wanted_;
  std::vector<const std::byte*> pages_;  // of one layer, slice after slice
  std::vector<AttentionSlice> attention_;
  int64_t end_position_ = 0;
};

}  // namespace mang
