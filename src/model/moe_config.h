// Reads and checks the numbers of a mixture of experts.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/config.h"

namespace mang {

// Sizes: experts, used, intermediate. Refuses what makes routing something else (groups, shared experts, other gating);
// `renormalise` is left to the family.
Result<MoeConfig> read_moe_config(const ConfigSource& source);

// config.json's norm_topk_prob; not written it is false, as transformers has it. GGUF files of Qwen's do not hold it:
// their readers renormalise.
Result<bool> read_qwen_renormalise(const ConfigSource& source);

// Which layers have experts. config.json: every decoder_sparse_step-th (not written: 1), without those of
// mlp_only_layers. GGUF: all.
Result<void> read_sparse_layers(const ConfigSource& source, std::vector<LayerConfig>& layers);

}  // namespace mang
