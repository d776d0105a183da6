// A model: one linear function from tokens to logits over a KV cache.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/device.h"
#include "kernels/matmul.h"
#include "model/kv_cache.h"

namespace mang {

// Which logits of a slice are wanted.
enum class LogitsFor { none, last, all };

// Consecutive tokens of one sequence. Its blocks cover positions up to first_position + tokens.size(); the engine
// has made sure of that, and that no block it writes to is shared.
struct BatchSlice {
  std::span<const int32_t> tokens;
  int64_t first_position = 0;
  std::span<const BlockId> blocks;
  LogitsFor logits = LogitsFor::last;
};

struct Batch {
  std::span<const BatchSlice> slices;

  [[nodiscard]] int64_t token_count() const;
  [[nodiscard]] int64_t logits_count() const;  // rows of logits this batch gives
};

// What anyone may ask about a model without knowing its family.
struct ModelInfo {
  std::string architecture;  // "qwen2"
  std::string name;          // from the file, may be empty
  int64_t layers = 0;
  int64_t hidden = 0;
  int64_t vocab = 0;         // rows of the head: the length of a row of logits
  int64_t context = 0;       // the longest sequence it was made for
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t intermediate = 0;
  int64_t experts = 0;              // in each sparse layer; 0: a dense model
  int64_t experts_used = 0;         // by each token
  int64_t expert_intermediate = 0;  // of one expert
  int64_t sparse_layers = 0;        // how many of the layers have experts
  uint64_t parameters = 0;
  uint64_t weight_bytes = 0;  // packed, in memory
};

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const ModelInfo& info() const = 0;
  // The KV layout of each layer, for a KV type the caller chose.
  [[nodiscard]] virtual Result<std::vector<KvLayout>> kv_layout(KvType type) const = 0;

  // Runs the batch: stores its K and V in `kv` and writes logits [batch.logits_count(), vocab], in the order of the
  // slices. The logits of a token depend on the weights and the tokens before it, and on nothing else. Token ids must be
  // inside [0, vocab) and positions inside the context: the engine checks both before. Uses buffers of the model:
  // one forward at a time.
  virtual void forward(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv, float* logits) = 0;
};

}  // namespace mang
