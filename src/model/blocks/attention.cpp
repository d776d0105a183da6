#include "model/blocks/attention.h"

#include "kernels/attention.h"
#include "kernels/op_trace.h"
#include "kernels/packed_layout.h"
#include "kernels/rms_norm.h"
#include "model/blocks/linear.h"

namespace mang {
namespace {

// K and V of every token to its place in the cache.
void store_keys_and_values(Step& step, int64_t layer, const float* k, const float* v) {
  const OpScope scope(step.device(), "store keys and values");
  const KvLayout& layout = step.kv().layers()[static_cast<size_t>(layer)];
  const int64_t k_width = layout.kv_heads * layout.head_dim;
  const int64_t v_width = layout.kv_heads * layout.v_head_dim;
  for (const BatchSlice& slice : step.batch().slices) {
    for (size_t i = 0; i < slice.tokens.size(); ++i, k += k_width, v += v_width) {
      const int64_t position = slice.first_position + static_cast<int64_t>(i);
      const BlockId block = slice.blocks[static_cast<size_t>(position / kPagePositions)];
      kv_store(step.device(), layout, step.kv().page(block, layer), position % kPagePositions, k, v);
    }
  }
}

// Errors of queries and keys go through an exponential. Types with a scale for 32 and no super-blocks serve small
// models (MXFP4 apart), where the refined product takes a third of the drift away; on large K-quant models it would
// cost time for nothing (docs/measurements.md, "Input blocks").
Arithmetic reading_of(const PackedMatrix& q) {
  const DType type = q.dtype();
  const bool small = !is_float(type) && !quant_traits(type).super && type != DType::MXFP4;
  return small ? Arithmetic::refined : Arithmetic::quantized;
}

}  // namespace

void attention_block(Step& step, const DenseConfig& config, int64_t layer, const AttentionWeights& weights,
                     const RopeTable* rope_table, const float* x, float* y) {
  const Device& device = step.device();
  const int64_t M = step.tokens();
  const int64_t D = config.hidden;
  const int64_t H = config.heads;
  const int64_t G = config.kv_heads;
  const int64_t K = config.head_dim;
  float* q = step.work().floats(Workspace::kQuery, M * H * K);            // [M, H, K]
  float* k = step.work().floats(Workspace::kKey, M * G * K);              // [M, G, K]
  float* v = step.work().floats(Workspace::kValue, M * G * K);            // [M, G, K]
  float* attended = step.work().floats(Workspace::kAttended, M * H * K);  // [M, H, K]

  const Output qkv[] = {{&weights.q, q}, {&weights.k, k}, {&weights.v, v}};
  linear(step, x, D, qkv, reading_of(weights.q.weight));

  if (!weights.q_norm.empty()) {
    const auto epsilon = static_cast<float>(config.rms_epsilon);
    rms_norm(device, q, K, weights.q_norm.data(), epsilon, M * H, K, q, K);
    rms_norm(device, k, K, weights.k_norm.data(), epsilon, M * G, K, k, K);
  }
  if (rope_table != nullptr) {
    rope(device, *rope_table, step.positions(), M, H, K, q, H * K);
    rope(device, *rope_table, step.positions(), M, G, K, k, G * K);
  }
  store_keys_and_values(step, layer, k, v);

  AttentionParams params;
  params.heads = H;
  params.ldq = H * K;
  params.ldout = H * K;
  params.scale = static_cast<float>(config.attention_scale);
  params.window = config.layers[static_cast<size_t>(layer)].window;
  step.attend(layer, params, q, attended);

  const Output out[] = {{&weights.o, y}};
  linear(step, attended, H * K, out);
}

}  // namespace mang
