// What defines a dense decoder's shape and arithmetic, read from GGUF metadata or config.json. Plain data.
// Dimension letters: docs/glossary.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/config_source.h"
#include "model/model.h"
#include "model/rope_config.h"

namespace mang {

struct LayerConfig {
  int64_t window = 0;       // 0: full attention; else position p sees (p − window, p]
  bool rotates = true;      // false: no position embedding in this layer (NoPE)
  bool local_rope = false;  // uses DenseConfig::local_rope
  bool sparse = false;      // a mixture of experts, DenseConfig::moe, instead of the dense feed-forward
};

// The mixture of experts of a model's sparse layers.
struct MoeConfig {
  int64_t experts = 0;       // E; 0: the model has none
  int64_t used = 0;          // U: by each token
  int64_t intermediate = 0;  // F of one expert
  bool renormalise = false;  // the weights of the chosen ones sum to 1
};

struct DenseConfig {
  std::string architecture;  // as the file names it
  std::string name;          // for people; may be empty
  int64_t hidden = 0;        // D
  int64_t heads = 0;         // H
  int64_t kv_heads = 0;      // G
  int64_t head_dim = 0;      // K
  int64_t rotary_dim = 0;    // R: the first elements of a head that are rotated
  int64_t intermediate = 0;  // F
  int64_t vocab = 0;         // V
  int64_t context = 0;
  double rms_epsilon = 0;
  RopeConfig rope;
  RopeConfig local_rope;       // Gemma 3's local layers
  double attention_scale = 0;  // scores = scale · q·k
  double embedding_scale = 1;
  double final_soft_cap = 0;    // 0: none
  bool tied = false;            // the embedding is the head too (config.json; a GGUF file says so by its tensors)
  bool attention_bias = false;  // config.json; a GGUF file says so by its tensors
  bool mlp_bias = false;
  MoeConfig moe;
  std::vector<LayerConfig> layers;  // L of them
};

// Reads and checks what all dense decoders share: sizes, head counts, epsilon, context. Sets head_dim from hidden /
// heads where the format lets it be left out and `head_dim_required` is false. Layers are all full attention with rope;
// rope and attention_scale are left to the family. A file that names experts is refused where the family has none.
enum class Experts { refused, allowed };
Result<DenseConfig> read_dense_config(const ConfigSource& source, bool head_dim_required,
                                      Experts experts = Experts::refused);

// Refuses a configuration value that this program would otherwise ignore in silence.
Result<void> expect_text(const ConfigSource& source, const ConfigKey& key, std::string_view wanted);
Result<void> expect_false(const ConfigSource& source, const ConfigKey& key);

// The rope every family but Gemma 3 has: one for all layers, from rope_scaling and rope_theta where rope_scaling says
// anything, else from rope_parameters.
Result<RopeConfig> read_plain_rope(const ConfigSource& source, double default_theta, int64_t context);

inline constexpr int64_t kMaxContext = (int64_t{1} << 31) - 1;

// config.json's sliding_window where it is in use: null is 0 (none), and left out it is 4096, as transformers has it
// for Mistral and Qwen.
Result<int64_t> read_hf_window(const ConfigSource& source);

// Sets each layer's window from config.json's layer_types ("full_attention", "sliding_attention") and `window`.
Result<void> read_layer_types(const ConfigSource& source, int64_t window, std::vector<LayerConfig>& layers);

// Refuses a GGUF file that names a window, of a family whose files have none.
Result<void> refuse_gguf_window(const ConfigSource& source);

// Qwen's windows: config.json's layer_types, or else sliding_window in the layers from max_window_layers on, where
// use_sliding_window says so. GGUF files of these families have none; one that names a window is refused.
Result<void> read_qwen_windows(const ConfigSource& source, std::vector<LayerConfig>& layers);

// config.json's tie_word_embeddings, or the default transformers gives the family where it is not written.
Result<bool> read_tied(const ConfigSource& source, bool default_tied);

// A boolean of config.json; not written: false.
Result<bool> read_flag(const ConfigSource& source, const ConfigKey& key);

// Refuses each of these GGUF keys that has a value other than 0 and the one beside it: what this program does not
// compute.
Result<void> refuse_gguf_values(const ConfigSource& source, std::span<const std::pair<const char*, double>> keys);

// An integer in [1, limit].
Result<int64_t> read_size(const ConfigSource& source, const ConfigKey& key, int64_t limit);

ModelInfo model_info(const DenseConfig& config);  // without parameters and weight_bytes
Result<std::vector<KvLayout>> kv_layouts(const DenseConfig& config, KvType type);

}  // namespace mang
