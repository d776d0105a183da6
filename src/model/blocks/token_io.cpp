#include "model/blocks/token_io.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/elementwise.h"
#include "kernels/rms_norm.h"

namespace mang {

Result<TokenIo> bind_token_io(const DenseConfig& config, WeightSource& weights, float norm_offset) {
  const TensorName embedding = {"model.embed_tokens", "token_embd"};
  const TensorName head = {"lm_head", "output"};
  TokenIo out;
  // A GGUF file without a head is tied. A checkpoint says so in config.json; one that is tied and yet holds a head has
  // it beside the embedding: the same bytes are one matrix, others stand (as transformers 5 has it).
  bool tied = weights.is_gguf() ? !weights.has(head) : config.tied;
  if (tied && weights.has(head)) {
    MANG_TRY(tied, weights.same_bytes(head, embedding));
  }
  MANG_TRY(out.embedding, weights.matrix(embedding, config.vocab, config.hidden));
  MANG_TRY(out.norm, weights.vector({"model.norm", "output_norm"}, config.hidden, norm_offset));
  if (!tied) {
    MANG_TRY(out.head, weights.matrix(head, config.vocab, config.hidden));
  }
  return out;
}

void embed_tokens(Step& step, const TokenIo& io, double factor, float* x) {
  const int64_t D = io.embedding.cols();
  const int32_t* ids = step.token_ids();
  step.device().run(step.tokens(), [&](int64_t m, int) {
    MANG_CHECK(ids[m] >= 0 && ids[m] < io.embedding.rows());
    unpack_row(io.embedding, ids[m], x + m * D);
  });
  if (factor != 1) scale(step.device(), x, static_cast<float>(factor), step.tokens(), D);
}

void write_logits(Step& step, const DenseConfig& config, const TokenIo& io, const float* x, float* logits) {
  const Device& device = step.device();
  const int64_t D = config.hidden;
  const int64_t V = config.vocab;
  const auto wanted = static_cast<int64_t>(step.wanted().size());
  if (wanted == 0) return;
  float* rows = step.work().floats(Workspace::kWanted, wanted * D);  // [wanted, D]
  for (int64_t i = 0; i < wanted; ++i) {
    std::copy_n(x + step.wanted()[static_cast<size_t>(i)] * D, D, rows + i * D);
  }
  rms_norm(device, rows, D, io.norm.data(), static_cast<float>(config.rms_epsilon), wanted, D, rows, D);
  const Product product = {&io.head_matrix(), logits, V};
  // The head costs memory traffic, not arithmetic: the refined product takes its share of the drift away for nothing.
  const Arithmetic arithmetic = step.arithmetic() == Arithmetic::exact ? Arithmetic::exact : Arithmetic::refined;
  matmul(device, arithmetic, rows, D, wanted, D, std::span(&product, 1));
  if (config.final_soft_cap > 0) soft_cap(device, logits, static_cast<float>(config.final_soft_cap), wanted, V);
}

}  // namespace mang
