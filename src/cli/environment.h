// The process's environment, read once. The only place that reads it; everything below the command line is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace mang::cli {

class Environment {
 public:
  explicit Environment(std::vector<std::string> variables) : variables_(std::move(variables)) {}
  static Environment of_process();

  // A variable that is set and not empty.
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  // "NAME=value", all of it, for programs we start.
  [[nodiscard]] const std::vector<std::string>& variables() const { return variables_; }

  // XDG_CACHE_HOME, or HOME/.cache.
  [[nodiscard]] Result<std::string> cache_folder() const;
  // XDG_DATA_HOME, or HOME/.local/share: what the user would miss.
  [[nodiscard]] Result<std::string> data_folder() const;
  // HF_HUB_CACHE, or HF_HOME/hub, or huggingface/hub in the cache folder: where Hugging Face's tools keep models.
  [[nodiscard]] Result<std::string> hf_hub_cache() const;

 private:
  std::vector<std::string> variables_;
};

}  // namespace mang::cli
