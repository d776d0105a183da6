#include "cli/environment.h"

#include <unistd.h>

#include "cli/messages.h"

namespace mang::cli {

Environment Environment::of_process() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable && *variable; ++variable) variables.emplace_back(*variable);
  return Environment(std::move(variables));
}

std::optional<std::string> Environment::get(std::string_view name) const {
  for (const std::string& variable : variables_) {
    if (variable.size() > name.size() + 1 && variable.starts_with(name) && variable[name.size()] == '=') {
      return variable.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

Result<std::string> Environment::cache_folder() const {
  if (auto folder = get("XDG_CACHE_HOME"); folder && folder->front() == '/') return *folder;
  if (auto home = get("HOME")) return *home + "/.cache";
  return Error{tr("neither HOME nor XDG_CACHE_HOME is set, so there is no place for models. Set one of them.")};
}

Result<std::string> Environment::data_folder() const {
  if (auto folder = get("XDG_DATA_HOME"); folder && folder->front() == '/') return *folder;
  if (auto home = get("HOME")) return *home + "/.local/share";
  return Error{tr("neither HOME nor XDG_DATA_HOME is set, so there is no place to remember things. Set one of them.")};
}

Result<std::string> Environment::hf_hub_cache() const {
  if (auto folder = get("HF_HUB_CACHE")) return *folder;
  if (auto folder = get("HF_HOME")) return *folder + "/hub";
  MANG_TRY(std::string cache, cache_folder());
  return cache + "/huggingface/hub";
}

}  // namespace mang::cli
