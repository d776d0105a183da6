// Instruction sets the kernels are built for. All give the same bits (docs/arithmetic.md); they differ in speed only.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace mang {

enum class Isa { generic, avx2, avxvnni, avx512, amx };

inline constexpr Isa kAllIsas[] = {Isa::generic, Isa::avx2, Isa::avxvnni, Isa::avx512, Isa::amx};

std::string_view isa_name(Isa isa);  // "avx512"
std::optional<Isa> isa_from_name(std::string_view name);

// What this processor and operating system can run (XGETBV is checked; AMX needs the kernel's permission).
// avx2: AVX2, FMA, F16C. avxvnni: avx2 + AVX-VNNI. avx512: F, BW, DQ, VL, VNNI. amx: avx512 + AMX-TILE + AMX-INT8.
bool isa_available(Isa isa);
std::vector<Isa> available_isas();
Isa best_isa();

// Every relevant feature by name, for `mang doctor`.
struct CpuFeature {
  std::string_view name;
  bool present;
};
std::vector<CpuFeature> cpu_features();

}  // namespace mang
