// Qwen2 and Qwen2.5 (Qwen team 2024, arXiv 2407.10671 and 2412.15115): Llama with biases on queries, keys and values.
// Reference: transformers models/qwen2.
#include "kernels/elementwise.h"
#include "kernels/rms_norm.h"
#include "model/arch/architectures.h"
#include "model/blocks/attention.h"
#include "model/blocks/dense_model.h"
#include "model/blocks/feed_forward.h"

namespace mang {
namespace {

struct Qwen2Layer {
  std::vector<float> attention_norm;  // [D]
  AttentionWeights attention;
  std::vector<float> feed_forward_norm;  // [D]
  FeedForwardWeights feed_forward;
};

Result<Qwen2Layer> bind_layer(const DenseConfig& c, WeightSource& w, int64_t i) {
  const int64_t D = c.hidden;
  const int64_t F = c.intermediate;
  const int64_t HK = c.heads * c.head_dim;
  const int64_t GK = c.kv_heads * c.head_dim;
  Qwen2Layer out;
  MANG_TRY(out.attention_norm, w.vector(in_layer(i, {"input_layernorm", "attn_norm"}), D));
  MANG_TRY(out.attention.q, w.linear(in_layer(i, {"self_attn.q_proj", "attn_q"}), HK, D, Bias::required));
  MANG_TRY(out.attention.k, w.linear(in_layer(i, {"self_attn.k_proj", "attn_k"}), GK, D, Bias::required));
  MANG_TRY(out.attention.v, w.linear(in_layer(i, {"self_attn.v_proj", "attn_v"}), GK, D, Bias::required));
  MANG_TRY(out.attention.o, w.linear(in_layer(i, {"self_attn.o_proj", "attn_output"}), D, HK, Bias::none));
  MANG_TRY(out.feed_forward_norm, w.vector(in_layer(i, {"post_attention_layernorm", "ffn_norm"}), D));
  MANG_TRY(out.feed_forward.gate, w.linear(in_layer(i, {"mlp.gate_proj", "ffn_gate"}), F, D, Bias::none));
  MANG_TRY(out.feed_forward.up, w.linear(in_layer(i, {"mlp.up_proj", "ffn_up"}), F, D, Bias::none));
  MANG_TRY(out.feed_forward.down, w.linear(in_layer(i, {"mlp.down_proj", "ffn_down"}), D, F, Bias::none));
  return out;
}

class Qwen2 final : public DenseModel {
 public:
  Qwen2(DenseConfig config, TokenIo io, RopeTable rope, std::vector<Qwen2Layer> layers, const WeightSource& weights)
      : DenseModel(std::move(config), std::move(io), std::move(rope), weights), layers_(std::move(layers)) {}

  void forward(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv, float* logits) override {
    step_.begin(device, arithmetic, batch, kv);
    const int64_t M = step_.tokens();
    const int64_t D = config_.hidden;
    const auto epsilon = static_cast<float>(config_.rms_epsilon);
    float* x = step_.work().floats(Workspace::kStream, M * D);    // [M, D], the residual stream
    float* h = step_.work().floats(Workspace::kNormed, M * D);    // [M, D]
    float* y = step_.work().floats(Workspace::kBlockOut, M * D);  // [M, D]
    rope_.reserve(step_.end_position());

    embed_tokens(step_, io_, 1, x);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Qwen2Layer& layer = layers_[i];
      rms_norm(device, x, D, layer.attention_norm.data(), epsilon, M, D, h, D);
      attention_block(step_, config_, static_cast<int64_t>(i), layer.attention, &rope_, h, y);
      add(device, x, y, M, D);
      rms_norm(device, x, D, layer.feed_forward_norm.data(), epsilon, M, D, h, D);
      feed_forward_block(step_, GateFunction::silu, layer.feed_forward, h, y);
      add(device, x, y, M, D);
    }
    write_logits(step_, config_, io_, x, logits);
  }

 private:
  std::vector<Qwen2Layer> layers_;
};

}  // namespace

Result<DenseConfig> read_qwen2_config(const ConfigSource& source) {
  MANG_TRY(DenseConfig config, read_dense_config(source, false));
  MANG_TRY(config.rope, read_plain_rope(source, 10000, config.context));
  MANG_TRY(expect_text(source, {"hidden_act", ""}, "silu"));
  MANG_TRY(config.tied, read_tied(source, false));
  MANG_TRY(read_qwen_windows(source, config.layers));
  return config;
}

Result<std::unique_ptr<Model>> create_qwen2(DenseConfig config, WeightSource& weights) {
  MANG_TRY(TokenIo io, bind_token_io(config, weights));
  MANG_TRY(RopeTable rope, bind_rope(config, weights));
  std::vector<Qwen2Layer> layers;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    MANG_TRY(Qwen2Layer layer, bind_layer(config, weights, static_cast<int64_t>(i)));
    layers.push_back(std::move(layer));
  }
  return std::unique_ptr<Model>(
      std::make_unique<Qwen2>(std::move(config), std::move(io), std::move(rope), std::move(layers), weights));
}

}  // namespace mang
