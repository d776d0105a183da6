// The models on this machine, as the commands that list and remove them see them.
#pragma once

#include <string>

#include "base/result.h"
#include "hub/hf_cache.h"
#include "hub/inventory.h"
#include "hub/store.h"

namespace mang::cli {

struct Context;

struct Stored {
  Store store;
  HfCache cache;
  std::string by_address;

  static Result<Stored> of(const Context& context);
};

}  // namespace mang::cli
