#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/topology.h"

namespace mang {

TEST_CASE("the machine has cores, and no more of them than processors") {
  const Topology topology = probe_topology();
  CHECK(topology.physical_cores >= 1);
  CHECK(topology.logical_cpus >= topology.physical_cores);
  CHECK(topology.numa_nodes >= 1);
  CHECK(topology.memory_bytes > 0);
  CHECK(topology.default_threads() >= 1);
  CHECK(topology.default_threads() <= topology.physical_cores);
}

TEST_CASE("threads are held within a quota of processor time, and there is always one") {
  Topology topology;
  topology.physical_cores = 8;
  CHECK(topology.default_threads() == 8);
  topology.cpu_quota = 2.5;
  CHECK(topology.default_threads() == 2);
  topology.cpu_quota = 0.5;
  CHECK(topology.default_threads() == 1);
}

TEST_CASE("a process held to one processor counts one") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    cpu_set_t allowed, one;
    bool ok = ::sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
    }
    ok = ok && ::sched_setaffinity(0, sizeof(one), &one) == 0;
    ::_exit(ok && probe_topology().logical_cpus == 1 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace mang
