#include "kernels/isa.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "kernels/device.h"

using namespace mang;

TEST_CASE("instruction sets have names that read back") {
  for (const Isa isa : kAllIsas) CHECK(isa_from_name(isa_name(isa)) == isa);
  CHECK_FALSE(isa_from_name("neon").has_value());
  CHECK_FALSE(isa_from_name("").has_value());
}

TEST_CASE("what is available is consistent") {
  const auto isas = available_isas();
  REQUIRE_FALSE(isas.empty());
  CHECK(isas.front() == Isa::generic);
  CHECK(isas.back() == best_isa());
  const auto has = [&](Isa isa) { return std::find(isas.begin(), isas.end(), isa) != isas.end(); };
  for (const Isa isa : kAllIsas) CHECK(has(isa) == isa_available(isa));
  if (has(Isa::avxvnni) || has(Isa::avx512)) CHECK(has(Isa::avx2));
  if (has(Isa::amx)) CHECK(has(Isa::avx512));
  // The compiler's own detection agrees.
  CHECK(has(Isa::avx2) ==
        (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")));
  if (has(Isa::avx512)) CHECK(__builtin_cpu_supports("avx512vnni"));
  CHECK(cpu_features().size() > 10);
}

TEST_CASE("scratch is aligned, separate for each thread and slot, and grows") {
  ThreadPool pool(2);
  const Device device(pool, Isa::generic);
  std::byte* a = device.scratch(0, Device::kTile, 100);
  std::byte* b = device.scratch(1, Device::kTile, 100);
  std::byte* c = device.scratch(0, Device::kPartial, 100);
  CHECK(reinterpret_cast<uintptr_t>(a) % 64 == 0);
  CHECK(reinterpret_cast<uintptr_t>(b) % 64 == 0);
  CHECK(a != b);
  CHECK(a != c);
  CHECK(device.scratch(0, Device::kTile, 50) == a);
  std::byte* big = device.scratch(0, Device::kTile, 1 << 20);
  CHECK(reinterpret_cast<uintptr_t>(big) % 64 == 0);
  big[(1 << 20) - 1] = std::byte{1};
}
