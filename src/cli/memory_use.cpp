#include "cli/memory_use.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <string>

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

namespace {

// The number after `label` in a file of "label: number kB" or "label number" lines; nullopt: there is none.
std::optional<uint64_t> number_after(const std::string& path, const std::string& label) {
  std::ifstream file(path);
  for (std::string name; file >> name;) {
    uint64_t value = 0;
    if (name == label && file >> value) return value;
    file.clear();
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

std::optional<uint64_t> only_number(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;  // "max", or no such file
}

}  // namespace

uint64_t available_memory() {
  uint64_t available = number_after("/proc/meminfo", "MemAvailable:").value_or(0) * 1024;
  const std::string group = "/sys/fs/cgroup/";
  const auto limit = only_number(group + "memory.max"), used = only_number(group + "memory.current");
  if (limit && used) {
    // Pages of files that nobody uses are given up when memory is asked for.
    const uint64_t files = number_after(group + "memory.stat", "inactive_file").value_or(0);
    const uint64_t taken = *used - std::min(*used, files);
    const uint64_t left = *limit - std::min(*limit, taken);
    available = available == 0 ? left : std::min(available, left);
  }
  return available;
}

}  // namespace mang::cli
