// Every model on this machine: fetched from the catalog, from a hub by whichever tool, or from an address.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/catalog.h"
#include "hub/hf_cache.h"
#include "hub/store.h"

namespace mang {

struct StoredModel {
  std::string name;     // what `run` takes: "smollm2:135m", "hf:org/name:file.gguf", "https://…"
  std::string id;       // of the content: the beginning of its digest or commit
  uint64_t bytes = 0;   // on the disk
  int64_t changed = 0;  // seconds since 1970: when its newest file came
  std::string path;     // what to open
};

// by_address: UrlModels' root. Sorted: the newest first.
std::vector<StoredModel> list_models(const Catalog& catalog, const Store& store, const HfCache& cache,
                                     const std::string& by_address);

// What downloads that never ended left behind, and models that were being removed. Those under way are left alone.
struct Leftovers {
  struct Item {
    std::string root;  // the folder below which it is
    std::string path;  // within it
  };
  std::vector<Item> items;
  uint64_t bytes = 0;
};
Leftovers find_leftovers(const Store& store, const HfCache& cache, const std::string& by_address);
Result<void> remove_leftover(const Leftovers::Item& item);

}  // namespace mang
