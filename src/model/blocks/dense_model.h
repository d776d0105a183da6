// What all dense decoders share besides their forward: configuration, the two ends, the rotary table, working memory.
#pragma once

#include <utility>
#include <vector>

#include "kernels/rope.h"
#include "model/blocks/step.h"
#include "model/blocks/token_io.h"
#include "model/config.h"
#include "model/model.h"
#include "model/weights.h"

namespace mang {

// The rotary table of config.rope, with GGUF's rope_freqs.weight [R/2] (llama3's divisors) where the file has one.
Result<RopeTable> bind_rope(const DenseConfig& config, WeightSource& weights);

class DenseModel : public Model {
 public:
  DenseModel(DenseConfig config, TokenIo io, RopeTable rope, const WeightSource& weights)
      : config_(std::move(config)), info_(model_info(config_)), io_(std::move(io)), rope_(std::move(rope)) {
    info_.parameters = weights.parameters();
    info_.weight_bytes = weights.packed_bytes();
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }
  [[nodiscard]] Result<std::vector<KvLayout>> kv_layout(KvType type) const override {
    return kv_layouts(config_, type);
  }

 protected:
  const DenseConfig config_;
  ModelInfo info_;
  TokenIo io_;
  RopeTable rope_;
  Step step_;
};

}  // namespace mang
