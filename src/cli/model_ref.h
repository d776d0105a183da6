// What a user may write for a model, and how it becomes a path.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/catalog.h"

namespace mang::cli {

struct Context;

enum class RefKind {
  none,    // does not look like a model: a prompt
  path,    // an existing file or directory
  name,    // in the catalog
  hf,      // hf:organisation/name
  url,     // scheme://…
  tagged,  // looks like name:tag, but is in no catalog
  file,    // looks like a file name (./…, /…, *.gguf), but does not exist
};

// The one rule for a positional that may be a model or a prompt. Texts with white space are models only when they are
// existing paths; everything else that is not of the forms above is a prompt.
RefKind classify(const std::string& text, const Catalog& catalog);

struct ModelRef {
  std::string path;
  const CatalogEntry* entry = nullptr;  // null: not from the catalog
};

// Finds a model, fetching it first where it is not yet on this machine (with progress on stderr). accept_license: of a
// model whose licence asks for consent, nobody is asked.
Result<ModelRef> resolve_model(const std::string& text, const Context& context, bool accept_license = false);

}  // namespace mang::cli
