#include "cli/memory_use.h"

#include <cstdio>
#include <memory>

namespace mang::cli {

MemoryUse memory_use() {
  MemoryUse use;
  const std::unique_ptr<FILE, int (*)(FILE*)> status(std::fopen("/proc/self/status", "r"), &std::fclose);
  if (!status) return use;
  char line[256];
  while (std::fgets(line, sizeof line, status.get())) {
    unsigned long long kib = 0;
    if (std::sscanf(line, "VmRSS: %llu kB", &kib) == 1) use.resident = kib * 1024;
    if (std::sscanf(line, "VmHWM: %llu kB", &kib) == 1) use.peak = kib * 1024;
  }
  return use;
}

}  // namespace mang::cli
