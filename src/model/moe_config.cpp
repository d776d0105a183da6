#include "model/moe_config.h"

#include <algorithm>
#include <utility>

namespace mang {
namespace {

constexpr int64_t kMaxExperts = 4096;  // far above every published model
constexpr int64_t kMaxIntermediate = int64_t{1} << 24;

// config.json: num_experts, or num_local_experts as newer versions of transformers write it.
Result<ConfigKey> experts_key(const ConfigSource& source) {
  const ConfigKey key = {"num_experts", "expert_count"};
  const ConfigKey newer = {"num_local_experts", ""};
  if (!source.has(newer)) return key;
  if (!source.has(key)) return newer;
  MANG_TRY(const int64_t one, source.integer(key));
  MANG_TRY(const int64_t other, source.integer(newer));
  if (one == other) return key;
  return fail("{} is {}, but {} is {}; which of them holds is not clear. Leave one of them out.", source.describe(key),
              one, source.describe(newer), other);
}

// GGUF keys of other families' routers, and the values (beside 0) that change nothing here.
Result<void> refuse_foreign_routing(const ConfigSource& source) {
  constexpr std::pair<const char*, double> kKeys[] = {
      {"expert_gating_func", 1},    // 1: softmax
      {"expert_weights_scale", 1},  //
      {"expert_group_count", 1},        {"expert_group_used_count", 1},
      {"expert_shared_count", 0},       {"expert_shared_feed_forward_length", 0},
      {"leading_dense_block_count", 0},
  };
  return refuse_gguf_values(source, kKeys);
}

}  // namespace

Result<MoeConfig> read_moe_config(const ConfigSource& source) {
  MoeConfig out;
  MANG_TRY(const ConfigKey count, experts_key(source));
  MANG_TRY(out.experts, read_size(source, count, kMaxExperts));
  const ConfigKey used = {"num_experts_per_tok", "expert_used_count"};
  MANG_TRY(out.used, read_size(source, used, kMaxExperts));
  if (out.used > out.experts) {
    return fail("{} is {}, but there are only {} experts ({}).", source.describe(used), out.used, out.experts,
                source.describe(count));
  }
  MANG_TRY(out.intermediate,
           read_size(source, {"moe_intermediate_size", "expert_feed_forward_length"}, kMaxIntermediate));
  MANG_TRY(refuse_foreign_routing(source));
  return out;
}

Result<bool> read_qwen_renormalise(const ConfigSource& source) {
  if (!source.is_gguf()) return read_flag(source, {"norm_topk_prob", ""});
  const ConfigKey key = {"", "expert_weights_norm"};
  if (!source.has(key)) return true;
  MANG_TRY(const bool renormalise, source.boolean(key));
  if (renormalise) return true;
  return fail("{} is false; GGUF files of this architecture are read with renormalised weights only.",
              source.describe(key));
}

Result<void> read_sparse_layers(const ConfigSource& source, std::vector<LayerConfig>& layers) {
  for (LayerConfig& layer : layers) layer.sparse = true;
  if (source.is_gguf()) return {};
  int64_t step = 1;
  const ConfigKey step_key = {"decoder_sparse_step", ""};
  if (source.has(step_key)) {
    MANG_TRY(step, read_size(source, step_key, kMaxContext));
  }
  std::vector<int64_t> dense;
  const ConfigKey dense_key = {"mlp_only_layers", ""};
  if (source.has(dense_key)) {
    MANG_TRY(dense, source.integers(dense_key));
  }
  const auto count = static_cast<int64_t>(layers.size());
  for (const int64_t layer : dense) {
    if (layer >= count)
      return fail("{} names layer {}, but there are only {}.", source.describe(dense_key), layer, count);
  }
  for (int64_t i = 0; i < count; ++i) {
    const bool by_name = std::find(dense.begin(), dense.end(), i) != dense.end();
    layers[static_cast<size_t>(i)].sparse = (i + 1) % step == 0 && !by_name;
  }
  return {};
}

}  // namespace mang
