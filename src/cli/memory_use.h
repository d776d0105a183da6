// Memory of this process and of the machine, as the system counts it.
#pragma once

#include <cstdint>

namespace mang::cli {

struct MemoryUse {
  uint64_t resident = 0;  // bytes now; 0: the system does not say
  uint64_t peak = 0;      // the most so far
};

MemoryUse memory_use();

// Bytes that can still be taken without anything being swapped out: what the system calls available, within the limit
// of the cgroup this process is in. 0: the system does not say.
uint64_t available_memory();

}  // namespace mang::cli
