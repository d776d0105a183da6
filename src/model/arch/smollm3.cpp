// SmolLM3 (Hugging Face 2025): Llama where every fourth layer has no position embedding (NoPE: Yang et al. 2025,
// arXiv 2501.18795). Reference: transformers models/smollm3.
#include "kernels/elementwise.h"
#include "kernels/rms_norm.h"
#include "model/arch/architectures.h"
#include "model/blocks/attention.h"
#include "model/blocks/dense_model.h"
#include "model/blocks/feed_forward.h"

namespace mang {
namespace {

struct SmolLm3Layer {
  std::vector<float> attention_norm;  // [D]
  AttentionWeights attention;
  std::vector<float> feed_forward_norm;  // [D]
  FeedForwardWeights feed_forward;
};

Result<SmolLm3Layer> bind_layer(const DenseConfig& c, WeightSource& w, int64_t i) {
  const int64_t D = c.hidden;
  const int64_t F = c.intermediate;
  const int64_t HK = c.heads * c.head_dim;
  const int64_t GK = c.kv_heads * c.head_dim;
  const InterleavedRows q_rows = {c.heads, c.head_dim, c.rotary_dim};
  const InterleavedRows k_rows = {c.kv_heads, c.head_dim, c.rotary_dim};
  const Bias attention_bias = w.is_gguf() ? Bias::by_file : c.attention_bias ? Bias::required : Bias::none;
  const Bias mlp_bias = w.is_gguf() ? Bias::by_file : c.mlp_bias ? Bias::required : Bias::none;
  SmolLm3Layer out;
  MANG_TRY(out.attention_norm, w.vector(in_layer(i, {"input_layernorm", "attn_norm"}), D));
  MANG_TRY(out.attention.q, w.linear(in_layer(i, {"self_attn.q_proj", "attn_q"}), HK, D, attention_bias, q_rows));
  MANG_TRY(out.attention.k, w.linear(in_layer(i, {"self_attn.k_proj", "attn_k"}), GK, D, attention_bias, k_rows));
  MANG_TRY(out.attention.v, w.linear(in_layer(i, {"self_attn.v_proj", "attn_v"}), GK, D, attention_bias));
  MANG_TRY(out.attention.o, w.linear(in_layer(i, {"self_attn.o_proj", "attn_output"}), D, HK, attention_bias));
  MANG_TRY(out.feed_forward_norm, w.vector(in_layer(i, {"post_attention_layernorm", "ffn_norm"}), D));
  MANG_TRY(out.feed_forward.gate, w.linear(in_layer(i, {"mlp.gate_proj", "ffn_gate"}), F, D, mlp_bias));
  MANG_TRY(out.feed_forward.up, w.linear(in_layer(i, {"mlp.up_proj", "ffn_up"}), F, D, mlp_bias));
  MANG_TRY(out.feed_forward.down, w.linear(in_layer(i, {"mlp.down_proj", "ffn_down"}), D, F, mlp_bias));
  return out;
}

class SmolLm3 final : public DenseModel {
 public:
  SmolLm3(DenseConfig config, TokenIo io, RopeTable rope, std::vector<SmolLm3Layer> layers, const WeightSource& weights)
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
      const SmolLm3Layer& layer = layers_[i];
      rms_norm(device, x, D, layer.attention_norm.data(), epsilon, M, D, h, D);
      attention_block(step_, config_, static_cast<int64_t>(i), layer.attention,
                      config_.layers[i].rotates ? &rope_ : nullptr, h, y);
      add(device, x, y, M, D);
      rms_norm(device, x, D, layer.feed_forward_norm.data(), epsilon, M, D, h, D);
      feed_forward_block(step_, GateFunction::silu, layer.feed_forward, h, y);
      add(device, x, y, M, D);
    }
    write_logits(step_, config_, io_, x, logits);
  }

 private:
  std::vector<SmolLm3Layer> layers_;
};

// Which layers have a position embedding: config.json's no_rope_layers (1: has one), or else all but every
// no_rope_layer_interval-th (transformers' default: 4). GGUF files do not say; llama.cpp fixes 4.
Result<void> read_rotating_layers(const ConfigSource& source, std::vector<LayerConfig>& layers) {
  const ConfigKey list = {"no_rope_layers", ""};
  if (source.has(list)) {
    MANG_TRY(const std::vector<int64_t> rotates, source.integers(list));
    if (rotates.size() < layers.size()) {
      return fail("{} has {} entries for {} layers.", source.describe(list), rotates.size(), layers.size());
    }
    for (size_t i = 0; i < layers.size(); ++i) layers[i].rotates = rotates[i] != 0;
    return {};
  }
  int64_t interval = 4;
  const ConfigKey key = {"no_rope_layer_interval", ""};
  if (source.has(key)) {
    MANG_TRY(interval, read_size(source, key, kMaxContext));
  }
  for (size_t i = 0; i < layers.size(); ++i) layers[i].rotates = (static_cast<int64_t>(i) + 1) % interval != 0;
  return {};
}

// config.json's windows: layer_types, or else sliding_window in the layers without position embedding, where
// use_sliding_window says so.
Result<void> read_windows(const ConfigSource& source, std::vector<LayerConfig>& layers) {
  if (source.is_gguf()) return refuse_gguf_window(source);
  MANG_TRY(const bool used, read_flag(source, {"use_sliding_window", ""}));
  int64_t window = 0;
  const ConfigKey key = {"sliding_window", ""};
  if (used && source.has(key)) {
    MANG_TRY(window, read_size(source, key, kMaxContext));
  }
  if (source.has({"layer_types", ""})) return read_layer_types(source, window, layers);
  for (LayerConfig& layer : layers) {
    if (!layer.rotates) layer.window = window;
  }
  return {};
}

}  // namespace

Result<DenseConfig> read_smollm3_config(const ConfigSource& source) {
  MANG_TRY(DenseConfig config, read_dense_config(source, false));
  MANG_TRY(config.rope, read_plain_rope(source, 2'000'000, config.context));
  MANG_TRY(expect_text(source, {"hidden_act", ""}, "silu"));
  MANG_TRY(config.attention_bias, read_flag(source, {"attention_bias", ""}));
  MANG_TRY(config.mlp_bias, read_flag(source, {"mlp_bias", ""}));
  MANG_TRY(config.tied, read_tied(source, true));
  MANG_TRY(read_rotating_layers(source, config.layers));
  MANG_TRY(read_windows(source, config.layers));
  return config;
}

Result<std::unique_ptr<Model>> create_smollm3(DenseConfig config, WeightSource& weights) {
  MANG_TRY(TokenIo io, bind_token_io(config, weights));
  MANG_TRY(RopeTable rope, bind_rope(config, weights));
  std::vector<SmolLm3Layer> layers;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    MANG_TRY(SmolLm3Layer layer, bind_layer(config, weights, static_cast<int64_t>(i)));
    layers.push_back(std::move(layer));
  }
  return std::unique_ptr<Model>(
      std::make_unique<SmolLm3>(std::move(config), std::move(io), std::move(rope), std::move(layers), weights));
}

}  // namespace mang
