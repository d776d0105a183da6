// Licences that ask for consent: shown, asked once on a terminal, remembered for each licence.
#pragma once

#include "base/result.h"
#include "hub/catalog.h"

namespace mang::cli {

struct Context;

// Fine where the licence asks for nothing, was accepted before, or is accepted now: by `accept` (--accept-license), or
// by an answer on the terminal. An error says how to accept it where nobody can be asked.
Result<void> ask_consent(const CatalogEntry& entry, bool accept, const Context& context);

}  // namespace mang::cli
