// `mang` alone at a terminal: what this machine can run, and the first steps.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "cli/context.h"

namespace mang::cli {

// A person looks on: standard input and both outputs are a terminal.
bool at_a_terminal();

Result<int> greet(Context& context);

// The parameters of the largest model that fits into the memory with about 4 bits a weight, as model names count them:
// "8 B"; 0: none does.
uint64_t largest_model(uint64_t memory_bytes);

}  // namespace mang::cli
