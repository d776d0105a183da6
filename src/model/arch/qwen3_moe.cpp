// Qwen3-MoE (Qwen team 2025, arXiv 2505.09388): Qwen3 with a mixture of experts in place of the feed-forward of all or
// some layers. Reference: transformers models/qwen3_moe.
#include "kernels/elementwise.h"
#include "kernels/rms_norm.h"
#include "model/arch/architectures.h"
#include "model/blocks/attention.h"
#include "model/blocks/dense_model.h"
#include "model/blocks/feed_forward.h"
#include "model/blocks/moe.h"
#include "model/moe_config.h"

namespace mang {
namespace {

struct Qwen3MoeLayer {
  std::vector<float> attention_norm;  // [D]
  AttentionWeights attention;
  std::vector<float> feed_forward_norm;  // [D]
  FeedForwardWeights dense;              // where the layer is not sparse
  MoeWeights moe;                        // where it is
};

Result<AttentionWeights> bind_attention(const DenseConfig& c, WeightSource& w, int64_t i) {
  const int64_t D = c.hidden;
  const int64_t HK = c.heads * c.head_dim;
  const int64_t GK = c.kv_heads * c.head_dim;
  const Bias bias = w.is_gguf() ? Bias::by_file : c.attention_bias ? Bias::required : Bias::none;
  AttentionWeights out;
  MANG_TRY(out.q, w.linear(in_layer(i, {"self_attn.q_proj", "attn_q"}), HK, D, bias));
  MANG_TRY(out.k, w.linear(in_layer(i, {"self_attn.k_proj", "attn_k"}), GK, D, bias));
  MANG_TRY(out.v, w.linear(in_layer(i, {"self_attn.v_proj", "attn_v"}), GK, D, bias));
  MANG_TRY(out.o, w.linear(in_layer(i, {"self_attn.o_proj", "attn_output"}), D, HK, bias));
  MANG_TRY(out.q_norm, w.vector(in_layer(i, {"self_attn.q_norm", "attn_q_norm"}), c.head_dim));
  MANG_TRY(out.k_norm, w.vector(in_layer(i, {"self_attn.k_norm", "attn_k_norm"}), c.head_dim));
  return out;
}

Result<FeedForwardWeights> bind_dense(const DenseConfig& c, WeightSource& w, int64_t i) {
  FeedForwardWeights out;
  MANG_TRY(out.gate, w.linear(in_layer(i, {"mlp.gate_proj", "ffn_gate"}), c.intermediate, c.hidden, Bias::none));
  MANG_TRY(out.up, w.linear(in_layer(i, {"mlp.up_proj", "ffn_up"}), c.intermediate, c.hidden, Bias::none));
  MANG_TRY(out.down, w.linear(in_layer(i, {"mlp.down_proj", "ffn_down"}), c.hidden, c.intermediate, Bias::none));
  return out;
}

Result<MoeWeights> bind_moe(const DenseConfig& c, WeightSource& w, int64_t i) {
  const int64_t E = c.moe.experts;
  const int64_t F = c.moe.intermediate;
  const int64_t D = c.hidden;
  const auto experts = [&](const char* hf, const char* gguf) {
    return ExpertsName{in_layer(i, {"mlp.experts", gguf}), hf};
  };
  MoeWeights out;
  MANG_TRY(out.router, w.matrix(in_layer(i, {"mlp.gate", "ffn_gate_inp"}), E, D));
  MANG_TRY(out.gate, w.experts(experts("gate_proj", "ffn_gate_exps"), E, F, D));
  MANG_TRY(out.up, w.experts(experts("up_proj", "ffn_up_exps"), E, F, D));
  MANG_TRY(out.down, w.experts(experts("down_proj", "ffn_down_exps"), E, D, F));
  return out;
}

Result<Qwen3MoeLayer> bind_layer(const DenseConfig& c, WeightSource& w, int64_t i) {
  Qwen3MoeLayer out;
  MANG_TRY(out.attention_norm, w.vector(in_layer(i, {"input_layernorm", "attn_norm"}), c.hidden));
  MANG_TRY(out.attention, bind_attention(c, w, i));
  MANG_TRY(out.feed_forward_norm, w.vector(in_layer(i, {"post_attention_layernorm", "ffn_norm"}), c.hidden));
  if (c.layers[static_cast<size_t>(i)].sparse) {
    MANG_TRY(out.moe, bind_moe(c, w, i));
  } else {
    MANG_TRY(out.dense, bind_dense(c, w, i));
  }
  return out;
}

class Qwen3Moe final : public DenseModel {
 public:
  Qwen3Moe(DenseConfig config, TokenIo io, RopeTable rope, std::vector<Qwen3MoeLayer> layers,
           const WeightSource& weights)
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
      const Qwen3MoeLayer& layer = layers_[i];
      rms_norm(device, x, D, layer.attention_norm.data(), epsilon, M, D, h, D);
      attention_block(step_, config_, static_cast<int64_t>(i), layer.attention, &rope_, h, y);
      add(device, x, y, M, D);
      rms_norm(device, x, D, layer.feed_forward_norm.data(), epsilon, M, D, h, D);
      if (config_.layers[i].sparse) {
        moe_block(step_, GateFunction::silu, config_.moe, layer.moe, h, y);
      } else {
        feed_forward_block(step_, GateFunction::silu, layer.dense, h, y);
      }
      add(device, x, y, M, D);
    }
    write_logits(step_, config_, io_, x, logits);
  }

 private:
  std::vector<Qwen3MoeLayer> layers_;
};

}  // namespace

Result<DenseConfig> read_qwen3_moe_config(const ConfigSource& source) {
  MANG_TRY(DenseConfig config, read_dense_config(source, true, Experts::allowed));
  MANG_TRY(config.rope, read_plain_rope(source, 10000, config.context));
  MANG_TRY(expect_text(source, {"hidden_act", ""}, "silu"));
  MANG_TRY(config.attention_bias, read_flag(source, {"attention_bias", ""}));
  MANG_TRY(config.tied, read_tied(source, false));
  MANG_TRY(read_qwen_windows(source, config.layers));
  MANG_TRY(config.moe, read_moe_config(source));
  MANG_TRY(config.moe.renormalise, read_qwen_renormalise(source));
  MANG_TRY(read_sparse_layers(source, config.layers));
  return config;
}

Result<std::unique_ptr<Model>> create_qwen3_moe(DenseConfig config, WeightSource& weights) {
  MANG_TRY(TokenIo io, bind_token_io(config, weights));
  MANG_TRY(RopeTable rope, bind_rope(config, weights));
  std::vector<Qwen3MoeLayer> layers;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    MANG_TRY(Qwen3MoeLayer layer, bind_layer(config, weights, static_cast<int64_t>(i)));
    layers.push_back(std::move(layer));
  }
  return std::unique_ptr<Model>(
      std::make_unique<Qwen3Moe>(std::move(config), std::move(io), std::move(rope), std::move(layers), weights));
}

}  // namespace mang
