#include "base/topology.h"

#include <hwloc.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

namespace mang {

namespace {

// cgroup v2: "max 100000" or "150000 100000".
double read_cpu_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::strtod(quota.c_str(), nullptr) / period;
}

uint64_t read_memory_limit() {
  std::ifstream file("/sys/fs/cgroup/memory.max");
  std::string limit;
  if (!(file >> limit) || limit == "max") return UINT64_MAX;
  return std::strtoull(limit.c_str(), nullptr, 10);
}

std::string read_cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) {
      if (auto colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown CPU";
}

// Whether the kernel shows its processors; some containers and chroots have no /sys, and hwloc complains on stderr there.
bool shows_processors() {
  return ::access("/sys/bus/cpu/devices/cpu0/topology", R_OK | X_OK) == 0 ||
         ::access("/sys/devices/system/cpu/cpu0/topology", R_OK | X_OK) == 0;
}

// Processors this process may run on (cpusets, taskset).
int allowed_cpus() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

// Cores, processors and nodes among those this process may run on. False: nothing could be learned.
bool read_hwloc(Topology& out) {
  hwloc_topology_t topology = nullptr;
  if (!shows_processors() || hwloc_topology_init(&topology) != 0) return false;
  const bool loaded = hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING) == 0 &&
                      hwloc_topology_load(topology) == 0;
  if (loaded) {
    out.physical_cores = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE));
    out.logical_cpus = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
    out.numa_nodes = std::max(1, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE));
  }
  hwloc_topology_destroy(topology);
  return loaded;
}

}  // namespace

int Topology::default_threads() const {
  int threads = std::max(1, physical_cores);
  if (cpu_quota > 0) threads = std::min(threads, std::max(1, static_cast<int>(std::floor(cpu_quota + 0.01))));
  return threads;
}

Topology probe_topology() {
  Topology out;
  if (!read_hwloc(out)) out.physical_cores = out.logical_cpus = allowed_cpus();
  out.cpu_quota = read_cpu_quota();
  const auto pages = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page = static_cast<uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  out.memory_bytes = std::min(pages * page, read_memory_limit());
  out.cpu_model = read_cpu_model();
  return out;
}

}  // namespace mang
