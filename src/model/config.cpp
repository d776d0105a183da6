#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "tensor/block_formats.h"

namespace mang {
namespace {

// Far above every published model; keeps products of two sizes inside 63 bits and a damaged file from asking for more.
constexpr int64_t kMaxSize = int64_t{1} << 24;
constexpr int64_t kMaxVocabulary = int64_t{1} << 24;  // the sampler's sums take no more
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxHeadDim = 1024;

const ConfigKey kHidden = {"hidden_size", "embedding_length"};
const ConfigKey kHeads = {"num_attention_heads", "attention.head_count"};
const ConfigKey kKvHeads = {"num_key_value_heads", "attention.head_count_kv"};
const ConfigKey kHeadDim = {"head_dim", "attention.key_length"};
const ConfigKey kValueDim = {"", "attention.value_length"};
const ConfigKey kRotaryDim = {"", "rope.dimension_count"};
const ConfigKey kEpsilon = {"rms_norm_eps", "attention.layer_norm_rms_epsilon"};

Result<void> read_heads(const ConfigSource& source, bool head_dim_required, DenseConfig& out) {
  MANG_TRY(out.heads, read_size(source, kHeads, kMaxSize));
  // Both formats: absent means as many as there are query heads.
  out.kv_heads = out.heads;
  if (source.has(kKvHeads)) {
    MANG_TRY(out.kv_heads, read_size(source, kKvHeads, kMaxSize));
  }
  if (out.heads % out.kv_heads != 0) {
    return fail("{} is {}, which is not a multiple of {} ({}).", source.describe(kHeads), out.heads,
                source.describe(kKvHeads), out.kv_heads);
  }
  if (source.has(kHeadDim) || head_dim_required) {
    MANG_TRY(out.head_dim, read_size(source, kHeadDim, kMaxHeadDim));
  } else {  // both formats: absent means hidden / heads
    if (out.hidden % out.heads != 0) {
      return fail("{} is {}, which is not a multiple of {} ({}), and no {} is given.", source.describe(kHidden),
                  out.hidden, source.describe(kHeads), out.heads, source.describe(kHeadDim));
    }
    out.head_dim = out.hidden / out.heads;
    if (out.head_dim > kMaxHeadDim) {
      return fail("{} / {} = {} elements in a head; at most {} are possible.", source.describe(kHidden),
                  source.describe(kHeads), out.head_dim, kMaxHeadDim);
    }
  }
  if (out.heads * out.head_dim > kMaxSize) {
    return fail("{} is {}; with {} elements a head that is more than the {} possible.", source.describe(kHeads),
                out.heads, out.head_dim, kMaxSize);
  }
  if (source.has(kValueDim)) {
    MANG_TRY(const int64_t value_dim, read_size(source, kValueDim, kMaxHeadDim));
    if (value_dim != out.head_dim) {
      return fail("{} is {}, but keys have {} elements; this architecture has one size for both.",
                  source.describe(kValueDim), value_dim, out.head_dim);
    }
  }
  out.rotary_dim = out.head_dim;
  if (source.has(kRotaryDim)) {
    MANG_TRY(out.rotary_dim, read_size(source, kRotaryDim, kMaxHeadDim));
  }
  if (out.rotary_dim % 2 != 0 || out.rotary_dim > out.head_dim) {
    return fail("{}: {} of {} elements of a head are to be rotated; an even number, at most all, is possible.",
                source.describe(source.is_gguf() ? kRotaryDim : kHeadDim), out.rotary_dim, out.head_dim);
  }
  return {};
}

// GGUF keys by which other architectures scale, clamp or bias what these families leave alone, and the values (beside
// 0) that change nothing.
Result<void> refuse_foreign_arithmetic(const ConfigSource& source) {
  constexpr std::pair<const char*, double> kKeys[] = {{"logit_scale", 1},
                                                      {"residual_scale", 1},
                                                      {"embedding_scale", 1},
                                                      {"attention.clamp_kqv", 0},
                                                      {"attention.max_alibi_bias", 0},
                                                      {"attention.temperature_length", 0},
                                                      {"attn_logit_softcapping", 0},
                                                      {"attention.shared_kv_layers", 0}};
  return refuse_gguf_values(source, kKeys);
}

}  // namespace

Result<void> refuse_gguf_values(const ConfigSource& source, std::span<const std::pair<const char*, double>> keys) {
  for (const auto& [name, neutral] : keys) {
    const ConfigKey key = {"", name};
    if (!source.has(key)) continue;
    MANG_TRY(const double value, source.number(key));
    if (value == 0 || value == neutral) continue;
    return fail("{} is {}, which this program does not compute for this architecture.", source.describe(key), value);
  }
  return {};
}

Result<int64_t> read_size(const ConfigSource& source, const ConfigKey& key, int64_t limit) {
  MANG_TRY(const int64_t value, source.integer(key));
  if (value < 1 || value > limit) {
    return fail("{} is {}; a number from 1 to {} is wanted. The file is damaged or not what it says.",
                source.describe(key), value, limit);
  }
  return value;
}

Result<DenseConfig> read_dense_config(const ConfigSource& source, bool head_dim_required, Experts allowed) {
  DenseConfig out;
  MANG_TRY(out.architecture, source.architecture());
  out.name = source.model_name();
  MANG_TRY(out.hidden, read_size(source, kHidden, kMaxSize));
  MANG_TRY(out.intermediate, read_size(source, {"intermediate_size", "feed_forward_length"}, kMaxSize));
  MANG_TRY(out.context, read_size(source, {"max_position_embeddings", "context_length"}, kMaxContext));
  MANG_TRY(const int64_t layers, read_size(source, {"num_hidden_layers", "block_count"}, kMaxLayers));
  MANG_TRY(read_heads(source, head_dim_required, out));
  MANG_TRY(out.vocab, source.vocabulary());
  if (out.vocab < 1 || out.vocab > kMaxVocabulary) {
    return fail("{}: the vocabulary has {} tokens; 1 to {} are possible.", out.architecture, out.vocab, kMaxVocabulary);
  }
  MANG_TRY(out.rms_epsilon, source.number(kEpsilon));
  if (!(out.rms_epsilon >= 0) || !(out.rms_epsilon < 1)) {
    return fail("{} is {}; a small positive number is wanted.", source.describe(kEpsilon), out.rms_epsilon);
  }
  out.attention_scale = 1.0 / std::sqrt(static_cast<double>(out.head_dim));
  out.layers.resize(static_cast<size_t>(layers));

  // What would make the weights or the arithmetic something else.
  if (source.has({"quantization_config", ""})) {
    return fail("{}: weights quantized by another library are not read. Use the original weights or a GGUF file.",
                source.describe({"quantization_config", ""}));
  }
  MANG_TRY(refuse_foreign_arithmetic(source));
  const ConfigKey experts = {"", "expert_count"};
  if (allowed == Experts::refused && source.has(experts)) {
    MANG_TRY(const int64_t count, source.integer(experts));
    if (count != 0)
      return fail("{} is {}; this program has no mixture of experts for '{}'.", source.describe(experts), count,
                  out.architecture);
  }
  const ConfigKey causal = {"is_causal", "attention.causal"};
  if (source.has(causal)) {
    MANG_TRY(const bool is_causal, source.boolean(causal));
    if (!is_causal)
      return fail("{} is false; only models that read left to right can be run.", source.describe(causal));
  }
  return out;
}

Result<void> expect_text(const ConfigSource& source, const ConfigKey& key, std::string_view wanted) {
  if (!source.has(key)) return {};
  MANG_TRY(const std::string found, source.text(key));
  if (found != wanted)
    return fail("{} is '{}'; this architecture is computed with '{}' only.", source.describe(key), found, wanted);
  return {};
}

Result<void> expect_false(const ConfigSource& source, const ConfigKey& key) {
  if (!source.has(key)) return {};
  MANG_TRY(const bool found, source.boolean(key));
  if (found) return fail("{} is true, which this program does not compute.", source.describe(key));
  return {};
}

Result<RopeConfig> read_plain_rope(const ConfigSource& source, double default_theta, int64_t context) {
  if (source.is_gguf()) return read_rope_gguf(source, context);
  const ConfigKey part = {"partial_rotary_factor", ""};
  if (source.has(part)) {
    MANG_TRY(const double value, source.number(part));
    if (value != 1) return fail("{} is {}; this architecture rotates whole heads.", source.describe(part), value);
  }
  // As transformers has it: rope_scaling, the older spelling, wins where it says anything.
  MANG_TRY(std::vector<std::string> names, source.names({"rope_scaling", ""}));
  const std::string object = names.empty() ? "rope_parameters" : "rope_scaling";
  if (names.empty()) {
    MANG_TRY(names, source.names({object, ""}));
  }
  for (const std::string& name : names) {
    if (!name.ends_with("_attention")) continue;
    return fail("{} has one rope for '{}'; this architecture has the same for all layers.",
                source.describe({object, ""}), name);
  }
  return read_rope_hf(source, object, "rope_theta", default_theta, context);
}

Result<int64_t> read_hf_window(const ConfigSource& source) {
  constexpr int64_t kDefault = 4096;
  const ConfigKey key = {"sliding_window", ""};
  if (source.is_null(key)) return 0;
  if (!source.has(key)) return kDefault;
  return read_size(source, key, kMaxContext);
}

Result<void> read_layer_types(const ConfigSource& source, int64_t window, std::vector<LayerConfig>& layers) {
  const ConfigKey key = {"layer_types", ""};
  MANG_TRY(const std::vector<std::string> types, source.texts(key));
  if (types.size() != layers.size()) {
    return fail("{} has {} entries for {} layers.", source.describe(key), types.size(), layers.size());
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == "sliding_attention") {
      if (window < 1) return fail("{}: layer {} slides, but no sliding_window is given.", source.describe(key), i);
      layers[i].window = window;
    } else if (types[i] != "full_attention") {
      return fail("{}: layer {} is '{}'; full_attention and sliding_attention are computed.", source.describe(key), i,
                  types[i]);
    }
  }
  return {};
}

Result<void> refuse_gguf_window(const ConfigSource& source) {
  const ConfigKey key = {"", "attention.sliding_window"};
  if (!source.has(key)) return {};
  MANG_TRY(const int64_t window, source.integer(key));
  if (window == 0) return {};
  return fail("{} is {}; GGUF files of this architecture have no windows.", source.describe(key), window);
}

Result<void> read_qwen_windows(const ConfigSource& source, std::vector<LayerConfig>& layers) {
  if (source.is_gguf()) return refuse_gguf_window(source);
  MANG_TRY(const bool used, read_flag(source, {"use_sliding_window", ""}));
  int64_t window = 0;
  if (used) {
    MANG_TRY(window, read_hf_window(source));
  }
  if (source.has({"layer_types", ""})) return read_layer_types(source, window, layers);
  if (window == 0) return {};
  MANG_TRY(const int64_t first, source.integer({"max_window_layers", ""}));
  for (size_t i = 0; i < layers.size(); ++i) {
    if (static_cast<int64_t>(i) >= first) layers[i].window = window;
  }
  return {};
}

Result<bool> read_tied(const ConfigSource& source, bool default_tied) {
  const ConfigKey key = {"tie_word_embeddings", ""};
  if (!source.has(key)) return default_tied;
  return source.boolean(key);
}

Result<bool> read_flag(const ConfigSource& source, const ConfigKey& key) {
  if (!source.has(key)) return false;
  return source.boolean(key);
}

ModelInfo model_info(const DenseConfig& config) {
  ModelInfo info;
  info.architecture = config.architecture;
  info.name = config.name;
  info.layers = static_cast<int64_t>(config.layers.size());
  info.hidden = config.hidden;
  info.vocab = config.vocab;
  info.context = config.context;
  info.heads = config.heads;
  info.kv_heads = config.kv_heads;
  info.head_dim = config.head_dim;
  info.intermediate = config.intermediate;
  info.experts = config.moe.experts;
  info.experts_used = config.moe.used;
  info.expert_intermediate = config.moe.intermediate;
  info.sparse_layers =
      std::count_if(config.layers.begin(), config.layers.end(), [](const auto& l) { return l.sparse; });
  return info;
}

Result<std::vector<KvLayout>> kv_layouts(const DenseConfig& config, KvType type) {
  if (type == KvType::q8_0 && config.head_dim % kBlock != 0) {
    return fail("a q8_0 cache needs heads of a multiple of {} elements; this model's have {}. Use f16.", kBlock,
                config.head_dim);
  }
  KvLayout layout;
  layout.type = type;
  layout.kv_heads = config.kv_heads;
  layout.head_dim = config.head_dim;
  layout.v_head_dim = config.head_dim;
  return std::vector<KvLayout>(config.layers.size(), layout);
}

}  // namespace mang
