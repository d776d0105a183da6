// The architectures this program runs. Adding one: its file in arch/, its line in registry.cpp, a page in docs/models/,
// a golden folder.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/config.h"
#include "model/config_source.h"
#include "model/model.h"
#include "model/weights.h"

namespace mang {

struct Architecture {
  std::string_view hf_name;    // config.json's model_type; empty: GGUF files only
  std::string_view gguf_name;  // general.architecture; empty: directories only
  Result<DenseConfig> (*read_config)(const ConfigSource& source);
  Result<std::unique_ptr<Model>> (*create)(DenseConfig config, WeightSource& weights);
};

std::span<const Architecture> architectures();

// The architecture a model names, or an error that names those known.
Result<const Architecture*> find_architecture(const ConfigSource& source);

}  // namespace mang
