// The two ends of a decoder: token ids → vectors, vectors → logits.
#pragma once

#include <vector>

#include "model/blocks/step.h"
#include "model/config.h"
#include "model/weights.h"

namespace mang {

struct TokenIo {
  PackedMatrix embedding;   // [V, D]
  PackedMatrix head;        // [V, D]; no rows: tied, the embedding is the head too (one copy in memory)
  std::vector<float> norm;  // [D], before the head

  [[nodiscard]] const PackedMatrix& head_matrix() const { return head.rows() > 0 ? head : embedding; }
};

// Binds embedding, last norm and head. norm_offset: WeightSource::vector's hf_offset.
Result<TokenIo> bind_token_io(const DenseConfig& config, WeightSource& weights, float norm_offset = 0);

// x[m] = scale · embedding[token m].   x: [M, D]
void embed_tokens(Step& step, const TokenIo& io, double scale, float* x);

// logits[i] = head · norm(x[wanted row i]), soft-capped where the model is.   logits: [wanted, V]
void write_logits(Step& step, const DenseConfig& config, const TokenIo& io, const float* x, float* logits);

}  // namespace mang
