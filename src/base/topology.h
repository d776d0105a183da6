// How many cores this process may use.
#pragma once

#include <cstdint>
#include <string>

namespace mang {

struct Topology {
  int physical_cores = 1;   // cores this process may run on (cpuset respected)
  int logical_cpus = 1;     // hardware threads of those cores
  int numa_nodes = 1;
  double cpu_quota = 0;     // cgroup limit in CPUs; 0: none
  uint64_t memory_bytes = 0;  // of the machine, or the cgroup's limit where that is lower
  std::string cpu_model;      // "AMD EPYC 9B45", from the system

  // Threads to use unless told otherwise: the physical cores, held within the quota.
  [[nodiscard]] int default_threads() const;
};

Topology probe_topology();

}  // namespace mang
