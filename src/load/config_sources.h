// GGUF metadata and config.json as model/config_source.h wants them.
#pragma once

#include <memory>

#include "load/model_files.h"
#include "model/config_source.h"

namespace mang {

// `files` must outlive the source.
std::unique_ptr<ConfigSource> config_source(const ModelFiles& files);

}  // namespace mang
