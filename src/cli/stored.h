// The models on this machine, as the commands that list and remove them see them.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/environment.h"
#include "hub/digest_cache.h"
#include "hub/hf_cache.h"
#include "hub/inventory.h"
#include "hub/store.h"

namespace mang::cli {

struct Context;

// Digests of models on this machine, kept in the user's cache folder.
DigestCache digest_cache(const Environment& environment);

struct Stored {
  Store store;
  HfCache cache;
  std::string by_address;
  DigestCache digests;

  static Result<Stored> of(const Context& context);
};

}  // namespace mang::cli
