// Names → variables, by the scoping rules of jinja2's compiler: which block sees which assignment, what a loop's body
// inherits and what it forgets, what a macro closes over.
#pragma once

#include "jinja/ast.h"

namespace mang::jinja {

// Fills in every Slot, Scope and built-in of a parsed template and checks what jinja2 checks when it compiles:
// unknown filters, break outside a loop, blocks defined twice. `source` is consumed.
Result<std::shared_ptr<const Program>> resolve_program(Body source, std::string name);

}  // namespace mang::jinja
