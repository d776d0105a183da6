#include <fmt/format.h>

#include "load/binder.h"
#include "load/config_sources.h"
#include "load/load_model.h"
#include "load/model_files.h"
#include "model/registry.h"

namespace mang {
namespace {

void warn_of_leftover(const Binder& binder, const std::string& path, const Log& log) {
  std::vector<std::string_view> names = binder.leftover();
  if (names.empty()) return;
  constexpr size_t kShown = 5;
  const size_t count = names.size();
  names.resize(std::min(count, kShown));
  const std::string shown = fmt::format("{}{}", fmt::join(names, ", "), count > kShown ? ", …" : "");
  log_warning(log, count == 1 ? fail("{}: 1 tensor is not used by this architecture: {}.", path, shown)
                              : fail("{}: {} tensors are not used by this architecture: {}.", path, count, shown));
}

}  // namespace

Result<std::unique_ptr<Model>> load_weights(const ModelFiles& files, const Device& device, const Log& log) {
  const std::unique_ptr<ConfigSource> source = config_source(files);
  MANG_TRY(const Architecture* architecture, find_architecture(*source));
  if (files.tensors().tensors().empty()) {
    return fail("{}: there are no weights, only a vocabulary; this can tokenize but not answer.", files.path());
  }
  MANG_TRY(DenseConfig config, architecture->read_config(*source));
  Binder binder(files.tensors(), source->is_gguf(), files.path(), device);
  auto model = architecture->create(std::move(config), binder);
  if (!model.ok()) return model.error();
  warn_of_leftover(binder, files.path(), log);
  return std::move(model).value();
}

}  // namespace mang
