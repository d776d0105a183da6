#include "cli/stored.h"

#include "cli/context.h"

namespace mang::cli {

Result<Stored> Stored::of(const Context& context) {
  MANG_TRY(const std::string cache, context.environment.cache_folder());
  MANG_TRY(const std::string hf, context.environment.hf_hub_cache());
  return Stored{Store(cache + "/mang/models"), HfCache(hf), cache + "/mang/models/by-address"};
}

}  // namespace mang::cli
