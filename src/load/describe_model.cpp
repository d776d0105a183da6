#include <algorithm>
#include <map>

#include "load/config_sources.h"
#include "load/load_model.h"
#include "load/model_files.h"
#include "model/registry.h"

namespace mang {
namespace {

void describe_tensors(const TensorFiles& files, ModelDescription& out, uint64_t& elements) {
  std::map<std::string_view, uint64_t> bytes;
  for (const StoredTensor& tensor : files.tensors()) {
    bytes[dtype_name(tensor.dtype)] += tensor.bytes.size();
    if (tensor.name == "rope_freqs.weight") continue;  // a table, not a parameter
    uint64_t count = 1;                                // cannot wrap: the readers held it against the file's size
    for (const uint64_t dimension : tensor.shape) count *= dimension;
    elements += count;
  }
  out.tensor_count = files.tensors().size();
  out.types.assign(bytes.begin(), bytes.end());
  std::stable_sort(out.types.begin(), out.types.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

void describe_metadata(const ModelFiles& files, ModelDescription& out) {
  if (files.gguf() != nullptr) {
    for (const GgufEntry& entry : files.gguf()->metadata().entries()) {
      out.metadata.emplace_back(entry.key, gguf_value_text(entry));
    }
    return;
  }
  for (const std::string& key : files.config()->keys()) {
    auto value = files.config()->get_json(key);
    out.metadata.emplace_back(key, value.ok() ? *value : "null");
  }
}

Result<ModelInfo> read_info(const ConfigSource& source, ModelDescription& out) {
  MANG_TRY(const Architecture* architecture, find_architecture(source));
  MANG_TRY(const DenseConfig config, architecture->read_config(source));
  MANG_TRY(out.kv, kv_layouts(config, KvType::f16));
  return model_info(config);
}

}  // namespace

Result<ModelDescription> describe_model(const ModelFiles& files) {
  ModelDescription out;
  out.path = files.path();
  out.format = files.gguf() != nullptr ? fmt::format("GGUF v{}", files.gguf()->version()) : "Hugging Face";
  out.file_bytes = files.bytes();
  const std::unique_ptr<ConfigSource> source = config_source(files);
  if (auto name = source->architecture(); name.ok()) out.architecture = *name;
  uint64_t elements = 0;
  describe_tensors(files.tensors(), out, elements);
  describe_metadata(files, out);
  auto info = read_info(*source, out);
  if (info.ok()) {
    out.info = *info;
    out.info->parameters = elements;
  } else {
    out.problem = info.error();
  }
  return out;
}

Result<ModelDescription> describe_model(const std::string& path, const Log& log) {
  MANG_TRY(const ModelFiles files, ModelFiles::open(path, log));
  return describe_model(files);
}

}  // namespace mang
