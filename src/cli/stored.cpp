#include "cli/stored.h"

#include "cli/context.h"

namespace mang::cli {

DigestCache digest_cache(const Environment& environment) {
  const Result<std::string> folder = environment.cache_folder();
  return DigestCache(folder.ok() ? *folder + "/mang/digests.json" : "");
}

Result<Stored> Stored::of(const Context& context) {
  MANG_TRY(const std::string cache, context.environment.cache_folder());
  MANG_TRY(const std::string hf, context.environment.hf_hub_cache());
  const DigestCache digests = digest_cache(context.environment);
  return Stored{Store(cache + "/mang/models", digests), HfCache(hf, digests), cache + "/mang/models/by-address",
                digests};
}

}  // namespace mang::cli
