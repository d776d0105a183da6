// What this machine offers a model: memory that is free now, and speeds that a short probe finds.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "kernels/probe.h"

namespace mang::cli {

struct Context;

struct MachineFacts {
  uint64_t available_memory = 0;  // bytes; 0: not told
  ProbeResult speed;
};

// Under half a second. `remembered`: a probe of the last day on this machine (same processor, threads and instruction
// set) is good enough, and the new one is kept in the cache folder for the next time.
Result<MachineFacts> machine_facts(bool remembered, const Context& context);

}  // namespace mang::cli
