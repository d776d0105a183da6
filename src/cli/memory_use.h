// Memory of this process, as the system counts it.
#pragma once

#include <cstdint>

namespace mang::cli {

struct MemoryUse {
  uint64_t resident = 0;  // bytes now; 0: the system does not say
  uint64_t peak = 0;      // the most so far
};

MemoryUse memory_use();

}  // namespace mang::cli
