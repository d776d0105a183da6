// Self-attention with grouped key/value heads (Ainslie et al. 2023, arXiv 2305.13245): projections, optional norms of
// queries and keys, rotary embedding, paged cache, output projection.
#pragma once

#include <vector>

#include "kernels/rope.h"
#include "model/blocks/step.h"
#include "model/config.h"
#include "model/weights.h"

namespace mang {

struct AttentionWeights {
  Linear q;                   // [H·K, D]
  Linear k;                   // [G·K, D]
  Linear v;                   // [G·K, D]
  Linear o;                   // [D, H·K]
  std::vector<float> q_norm;  // [K]; empty: queries and keys are not normed
  std::vector<float> k_norm;  // [K]
};

// y = W_o · attend(norm(W_q x), norm(W_k x), W_v x) of layer `layer`, whose K and V go into the cache.
//   x, y: [M, D]; rope: null where the layer has no position embedding.
void attention_block(Step& step, const DenseConfig& config, int64_t layer, const AttentionWeights& weights,
                     const RopeTable* rope, const float* x, float* y);

}  // namespace mang
