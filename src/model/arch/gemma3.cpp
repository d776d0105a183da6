// Gemma 3, text (Gemma team 2025, arXiv 2503.19786): five local layers with a window and a rotary base of their own for
// each global one, normed queries and keys, a norm on both sides of each block, tanh-approximated GELU.
// Reference: transformers models/gemma3.
#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/rms_norm.h"
#include "model/arch/architectures.h"
#include "model/blocks/attention.h"
#include "model/blocks/dense_model.h"
#include "model/blocks/feed_forward.h"

namespace mang {
namespace {

struct Gemma3Layer {
  std::vector<float> attention_norm;  // [D]
  AttentionWeights attention;
  std::vector<float> after_attention_norm;  // [D]
  std::vector<float> feed_forward_norm;     // [D]
  FeedForwardWeights feed_forward;
  std::vector<float> after_feed_forward_norm;  // [D]
};

// Checkpoints store norms as w − 1; GGUF files store w.
constexpr float kNormOffset = 1;

Result<Gemma3Layer> bind_layer(const DenseConfig& c, WeightSource& w, int64_t i) {
  const int64_t D = c.hidden;
  const int64_t K = c.head_dim;
  const int64_t F = c.intermediate;
  const int64_t HK = c.heads * K;
  const int64_t GK = c.kv_heads * K;
  const auto norm = [&](const TensorName& name, int64_t n) { return w.vector(in_layer(i, name), n, kNormOffset); };
  const Bias bias = c.attention_bias ? Bias::required : Bias::none;
  Gemma3Layer out;
  MANG_TRY(out.attention_norm, norm({"input_layernorm", "attn_norm"}, D));
  MANG_TRY(out.attention.q, w.linear(in_layer(i, {"self_attn.q_proj", "attn_q"}), HK, D, bias));
  MANG_TRY(out.attention.k, w.linear(in_layer(i, {"self_attn.k_proj", "attn_k"}), GK, D, bias));
  MANG_TRY(out.attention.v, w.linear(in_layer(i, {"self_attn.v_proj", "attn_v"}), GK, D, bias));
  MANG_TRY(out.attention.o, w.linear(in_layer(i, {"self_attn.o_proj", "attn_output"}), D, HK, bias));
  MANG_TRY(out.attention.q_norm, norm({"self_attn.q_norm", "attn_q_norm"}, K));
  MANG_TRY(out.attention.k_norm, norm({"self_attn.k_norm", "attn_k_norm"}, K));
  MANG_TRY(out.after_attention_norm, norm({"post_attention_layernorm", "post_attention_norm"}, D));
  MANG_TRY(out.feed_forward_norm, norm({"pre_feedforward_layernorm", "ffn_norm"}, D));
  MANG_TRY(out.feed_forward.gate, w.linear(in_layer(i, {"mlp.gate_proj", "ffn_gate"}), F, D, Bias::none));
  MANG_TRY(out.feed_forward.up, w.linear(in_layer(i, {"mlp.up_proj", "ffn_up"}), F, D, Bias::none));
  MANG_TRY(out.feed_forward.down, w.linear(in_layer(i, {"mlp.down_proj", "ffn_down"}), D, F, Bias::none));
  MANG_TRY(out.after_feed_forward_norm, norm({"post_feedforward_layernorm", "post_ffw_norm"}, D));
  return out;
}

class Gemma3 final : public DenseModel {
 public:
  Gemma3(DenseConfig config, TokenIo io, RopeTable rope, RopeTable local_rope, std::vector<Gemma3Layer> layers,
         const WeightSource& weights)
      : DenseModel(std::move(config), std::move(io), std::move(rope), weights),
        local_rope_(std::move(local_rope)),
        layers_(std::move(layers)) {}

  void forward(const Device& device, Arithmetic arithmetic, const Batch& batch, KvPool& kv, float* logits) override {
    step_.begin(device, arithmetic, batch, kv);
    const int64_t M = step_.tokens();
    const int64_t D = config_.hidden;
    const auto epsilon = static_cast<float>(config_.rms_epsilon);
    float* x = step_.work().floats(Workspace::kStream, M * D);    // [M, D], the residual stream
    float* h = step_.work().floats(Workspace::kNormed, M * D);    // [M, D]
    float* y = step_.work().floats(Workspace::kBlockOut, M * D);  // [M, D]
    rope_.reserve(step_.end_position());
    local_rope_.reserve(step_.end_position());

    embed_tokens(step_, io_, config_.embedding_scale, x);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Gemma3Layer& layer = layers_[i];
      const RopeTable& rope = config_.layers[i].local_rope ? local_rope_ : rope_;
      rms_norm(device, x, D, layer.attention_norm.data(), epsilon, M, D, h, D);
      attention_block(step_, config_, static_cast<int64_t>(i), layer.attention, &rope, h, y);
      rms_norm(device, y, D, layer.after_attention_norm.data(), epsilon, M, D, y, D);
      add(device, x, y, M, D);
      rms_norm(device, x, D, layer.feed_forward_norm.data(), epsilon, M, D, h, D);
      feed_forward_block(step_, GateFunction::gelu_tanh, layer.feed_forward, h, y);
      rms_norm(device, y, D, layer.after_feed_forward_norm.data(), epsilon, M, D, y, D);
      add(device, x, y, M, D);
    }
    write_logits(step_, config_, io_, x, logits);
  }

 private:
  RopeTable local_rope_;
  std::vector<Gemma3Layer> layers_;
};

void slide(LayerConfig& layer, int64_t window) {
  layer.window = window;
  layer.local_rope = true;
}

// config.json: layer_types, or else every sliding_window_pattern-th layer is global (transformers' default: 6).
Result<void> read_layers_hf(const ConfigSource& source, std::vector<LayerConfig>& layers) {
  int64_t window = 0;
  const ConfigKey window_key = {"sliding_window", ""};
  if (source.has(window_key)) {
    MANG_TRY(window, read_size(source, window_key, kMaxContext));
  }
  if (source.has({"layer_types", ""})) {
    MANG_TRY(read_layer_types(source, window, layers));
    for (LayerConfig& layer : layers) layer.local_rope = layer.window > 0;
    return {};
  }
  int64_t pattern = 6;
  const ConfigKey pattern_key = {"sliding_window_pattern", ""};
  if (source.has(pattern_key)) {
    MANG_TRY(pattern, read_size(source, pattern_key, kMaxContext));
  }
  if (window == 0) return fail("{} is missing; Gemma 3's local layers need it.", source.describe(window_key));
  for (size_t i = 0; i < layers.size(); ++i) {
    if ((static_cast<int64_t>(i) + 1) % pattern != 0) slide(layers[i], window);
  }
  return {};
}

// GGUF: without a window all layers are global; the pattern is a period (default 6, as llama.cpp has it; 0: all slide)
// or one flag a layer.
Result<void> read_layers_gguf(const ConfigSource& source, std::vector<LayerConfig>& layers) {
  const ConfigKey window_key = {"", "attention.sliding_window"};
  const ConfigKey pattern_key = {"", "attention.sliding_window_pattern"};
  if (!source.has(window_key)) return {};
  MANG_TRY(const int64_t window, source.integer(window_key));
  if (window == 0) return {};
  if (window < 0 || window > kMaxContext)
    return fail("{} is {}; a positive number is wanted.", source.describe(window_key), window);
  if (source.is_list(pattern_key)) {
    MANG_TRY(const std::vector<int64_t> slides, source.integers(pattern_key));
    if (slides.size() != layers.size()) {
      return fail("{} has {} entries for {} layers.", source.describe(pattern_key), slides.size(), layers.size());
    }
    for (size_t i = 0; i < layers.size(); ++i) {
      if (slides[i] != 0) slide(layers[i], window);
    }
    return {};
  }
  int64_t period = 6;
  if (source.has(pattern_key)) {
    MANG_TRY(period, source.integer(pattern_key));
  }
  if (period < 0) return fail("{} is {}; 0 or more is wanted.", source.describe(pattern_key), period);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (period == 0 || static_cast<int64_t>(i) % period < period - 1) slide(layers[i], window);
  }
  return {};
}

Result<void> read_rope(const ConfigSource& source, DenseConfig& config) {
  constexpr double kGlobal = 1'000'000;  // the defaults of transformers' Gemma 3
  constexpr double kLocal = 10'000;
  if (source.is_gguf()) {
    MANG_TRY(config.rope, read_rope_gguf(source, config.context));
    config.local_rope.theta = kLocal;  // as llama.cpp has it; scaling is for the global layers
    const ConfigKey local = {"", "rope.freq_base_swa"};
    if (source.has(local)) {
      MANG_TRY(config.local_rope.theta, source.number(local));
    }
    if (!(config.local_rope.theta > 1))
      return fail("{} is {}; more than 1 is wanted.", source.describe(local), config.local_rope.theta);
    return {};
  }
  const bool is_new = source.has({"rope_parameters", ""});
  if (is_new && !source.has({"rope_parameters.full_attention", ""})) {
    return fail("{} has no 'full_attention'; Gemma 3 has one rope for each kind of layer.",
                source.describe({"rope_parameters", ""}));
  }
  MANG_TRY(const std::vector<std::string> older, source.names({"rope_scaling", ""}));
  if (is_new && !older.empty()) {
    return fail("{} stands beside 'rope_parameters'; which of them holds is not clear. Leave one of them out.",
                source.describe({"rope_scaling", ""}));
  }
  MANG_TRY(config.rope, read_rope_hf(source, is_new ? "rope_parameters.full_attention" : "rope_scaling", "rope_theta",
                                     kGlobal, config.context));
  MANG_TRY(config.local_rope, read_rope_hf(source, is_new ? "rope_parameters.sliding_attention" : "",
                                           "rope_local_base_freq", kLocal, config.context));
  return {};
}

// config.json: query_pre_attn_scalar^(−1/2). GGUF files do not hold it: the head size, but hidden / heads in the 27B
// (62 layers), as Gemma's own code and llama.cpp have it.
Result<double> read_attention_scale(const ConfigSource& source, const DenseConfig& config) {
  double scalar = static_cast<double>(config.head_dim);
  const ConfigKey key = {"query_pre_attn_scalar", ""};
  if (!source.is_gguf()) {
    MANG_TRY(scalar, source.number(key));
  } else if (config.layers.size() == 62) {
    scalar = static_cast<double>(config.hidden / config.heads);
  }
  if (!(scalar > 0) || !(scalar < 1e9))
    return fail("{} is {}; a positive number is wanted.", source.describe(key), scalar);
  return 1.0 / std::sqrt(scalar);
}

}  // namespace

Result<DenseConfig> read_gemma3_config(const ConfigSource& source) {
  MANG_TRY(DenseConfig config, read_dense_config(source, true));
  MANG_TRY(read_rope(source, config));
  MANG_TRY(source.is_gguf() ? read_layers_gguf(source, config.layers) : read_layers_hf(source, config.layers));
  MANG_TRY(config.attention_scale, read_attention_scale(source, config));
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden));
  const ConfigKey cap = {"final_logit_softcapping", "final_logit_softcapping"};
  if (source.has(cap)) {
    MANG_TRY(config.final_soft_cap, source.number(cap));
  }
  if (!(config.final_soft_cap >= 0) || !(config.final_soft_cap < 1e9)) {
    return fail("{} is {}; a positive number is wanted.", source.describe(cap), config.final_soft_cap);
  }
  const ConfigKey attention_cap = {"attn_logit_softcapping", "attn_logit_softcapping"};
  if (source.has(attention_cap)) {
    return fail("{} is given; Gemma 3 has no cap on its attention scores.", source.describe(attention_cap));
  }
  MANG_TRY(expect_text(source, {"hidden_activation", ""}, "gelu_pytorch_tanh"));
  MANG_TRY(expect_false(source, {"use_bidirectional_attention", ""}));
  MANG_TRY(config.attention_bias, read_flag(source, {"attention_bias", ""}));
  MANG_TRY(config.tied, read_tied(source, true));
  return config;
}

Result<std::unique_ptr<Model>> create_gemma3(DenseConfig config, WeightSource& weights) {
  MANG_TRY(TokenIo io, bind_token_io(config, weights, kNormOffset));
  MANG_TRY(RopeTable rope, bind_rope(config, weights));
  RopeTable local_rope(inverse_frequencies(config.local_rope, config.rotary_dim, {}),
                       static_cast<float>(config.local_rope.attention_factor));
  std::vector<Gemma3Layer> layers;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    MANG_TRY(Gemma3Layer layer, bind_layer(config, weights, static_cast<int64_t>(i)));
    layers.push_back(std::move(layer));
  }
  return std::unique_ptr<Model>(std::make_unique<Gemma3>(std::move(config), std::move(io), std::move(rope),
                                                         std::move(local_rope), std::move(layers), weights));
}

}  // namespace mang
