// What each file in arch/ offers the registry.
#pragma once

#include <memory>

#include "model/config.h"
#include "model/model.h"
#include "model/weights.h"

namespace mang {

Result<DenseConfig> read_llama_config(const ConfigSource& source);
Result<DenseConfig> read_mistral_config(const ConfigSource& source);
Result<std::unique_ptr<Model>> create_llama(DenseConfig config, WeightSource& weights);

Result<DenseConfig> read_qwen2_config(const ConfigSource& source);
Result<std::unique_ptr<Model>> create_qwen2(DenseConfig config, WeightSource& weights);

Result<DenseConfig> read_qwen3_config(const ConfigSource& source);
Result<std::unique_ptr<Model>> create_qwen3(DenseConfig config, WeightSource& weights);

Result<DenseConfig> read_qwen3_moe_config(const ConfigSource& source);
Result<std::unique_ptr<Model>> create_qwen3_moe(DenseConfig config, WeightSource& weights);

Result<DenseConfig> read_gemma3_config(const ConfigSource& source);
Result<std::unique_ptr<Model>> create_gemma3(DenseConfig config, WeightSource& weights);

Result<DenseConfig> read_smollm3_config(const ConfigSource& source);
Result<std::unique_ptr<Model>> create_smollm3(DenseConfig config, WeightSource& weights);

}  // namespace mang
