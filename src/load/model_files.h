// The files of one model, opened: a GGUF file (whole or split) or a Hugging Face directory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "format/gguf.h"
#include "format/hf_config.h"
#include "format/safetensors.h"

namespace mang {

class ModelFiles {
 public:
  // `path`: a GGUF file, or a directory with config.json. Weights are mapped, not read. A vocabulary-only GGUF file
  // and a directory without weights open fine: they have no tensors.
  static Result<ModelFiles> open(const std::string& path, const Log& log = {});

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const GgufFile* gguf() const { return gguf_ ? &*gguf_ : nullptr; }  // null: a directory
  [[nodiscard]] const HfConfig* config() const {
    return config_ ? &*config_ : nullptr;
  }  // config.json; null: a GGUF file
  [[nodiscard]] const TensorFiles& tensors() const;
  [[nodiscard]] uint64_t bytes() const { return tensors().total_bytes(); }  // of the weight files

 private:
  std::string path_;
  std::optional<GgufFile> gguf_;
  std::optional<HfConfig> config_;
  std::optional<SafetensorsDirectory> safetensors_;
  TensorFiles none_;
};

}  // namespace mang
