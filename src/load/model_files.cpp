#include "load/model_files.h"

#include <filesystem>

namespace mang {
namespace {

namespace fs = std::filesystem;

bool has_weights(const std::string& directory) {
  std::error_code ignored;
  return fs::exists(directory + "/model.safetensors", ignored) ||
         fs::exists(directory + "/model.safetensors.index.json", ignored);
}

// A directory without config.json: says what is there instead, where that helps.
Error not_a_model(const std::string& directory, const Error& reason) {
  std::error_code ignored;
  for (fs::directory_iterator at(directory, ignored), end; at != end; at.increment(ignored)) {
    if (at->path().extension() == ".gguf") {
      return fail("{}: no config.json, but a GGUF file is there. Give its path: {}.", directory, at->path().string());
    }
  }
  return reason;
}

}  // namespace

Result<ModelFiles> ModelFiles::open(const std::string& path, const Log& log) {
  ModelFiles out;
  out.path_ = path;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    const std::string extension = fs::path(path).extension().string();
    if (extension == ".safetensors" || extension == ".json") {
      return fail("{}: give the directory it is in, which holds config.json, weights and tokenizer.", path);
    }
    MANG_TRY(out.gguf_, GgufFile::open(path, log));
    return out;
  }
  auto config = read_config(path);
  if (!config.ok())
    return fs::exists(path + "/config.json", ignored) ? config.error() : not_a_model(path, config.error());
  out.config_ = std::move(config).value();
  if (has_weights(path)) {
    MANG_TRY(out.safetensors_, SafetensorsDirectory::open(path, log));
  }
  return out;
}

const TensorFiles& ModelFiles::tensors() const {
  if (gguf_) return *gguf_;
  if (safetensors_) return *safetensors_;
  return none_;
}

}  // namespace mang
