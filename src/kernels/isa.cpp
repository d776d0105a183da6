#include "kernels/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace mang {

namespace {

struct Features {
  bool sse42, avx, f16c, fma, avx2, bmi2, avxvnni;
  bool avx512f, avx512bw, avx512dq, avx512vl, avx512vnni, avx512bf16, avx512fp16;
  bool amx_tile, amx_int8, amx_bf16;
};

struct CpuidRegisters {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

// All zero where the processor does not have the leaf.
CpuidRegisters cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidRegisters r;
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);
  return r;
}

// Which register state the operating system saves (XCR0); 0 without OSXSAVE.
uint64_t saved_state(const CpuidRegisters& leaf1) {
  if ((leaf1.c & bit_OSXSAVE) == 0) return 0;
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

// Linux gives a process the tile registers only when asked (Documentation/arch/x86/xstate.rst).
bool request_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

Features probe() {
  const CpuidRegisters leaf1 = cpuid(1, 0);
  const CpuidRegisters leaf7 = cpuid(7, 0);
  const CpuidRegisters leaf7_1 = leaf7.a >= 1 ? cpuid(7, 1) : CpuidRegisters{};
  const uint64_t state = saved_state(leaf1);
  const bool ymm = (state & 0x6) == 0x6;
  const bool zmm = ymm && (state & 0xe0) == 0xe0;
  const bool tiles = (state & 0x60000) == 0x60000;
  const auto bit = [](uint32_t value, int i) { return ((value >> i) & 1u) != 0; };

  Features f{};
  f.sse42 = bit(leaf1.c, 20);
  f.avx = ymm && bit(leaf1.c, 28);
  f.fma = ymm && bit(leaf1.c, 12);
  f.f16c = ymm && bit(leaf1.c, 29);
  f.avx2 = ymm && bit(leaf7.b, 5);
  f.bmi2 = bit(leaf7.b, 8);
  f.avxvnni = ymm && bit(leaf7_1.a, 4);
  f.avx512f = zmm && bit(leaf7.b, 16);
  f.avx512dq = zmm && bit(leaf7.b, 17);
  f.avx512bw = zmm && bit(leaf7.b, 30);
  f.avx512vl = zmm && bit(leaf7.b, 31);
  f.avx512vnni = zmm && bit(leaf7.c, 11);
  f.avx512bf16 = zmm && bit(leaf7_1.a, 5);
  f.avx512fp16 = zmm && bit(leaf7.d, 23);
  if (tiles && bit(leaf7.d, 24) && request_tiles()) {
    f.amx_tile = true;
    f.amx_int8 = bit(leaf7.d, 25);
    f.amx_bf16 = bit(leaf7.d, 22);
  }
  return f;
}

const Features& features() {
  static const Features f = probe();
  return f;
}

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::generic:
      return "generic";
    case Isa::avx2:
      return "avx2";
    case Isa::avxvnni:
      return "avxvnni";
    case Isa::avx512:
      return "avx512";
    case Isa::amx:
      return "amx";
  }
  return "unknown";
}

std::optional<Isa> isa_from_name(std::string_view name) {
  for (const Isa isa : kAllIsas) {
    if (isa_name(isa) == name) return isa;
  }
  return std::nullopt;
}

bool isa_available(Isa isa) {
  const Features& f = features();
  const bool avx2 = f.avx2 && f.fma && f.f16c && f.bmi2;
  const bool avx512 = avx2 && f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl && f.avx512vnni;
  switch (isa) {
    case Isa::generic:
      return true;
    case Isa::avx2:
      return avx2;
    case Isa::avxvnni:
      return avx2 && f.avxvnni;
    case Isa::avx512:
      return avx512;
    case Isa::amx:
      return avx512 && f.amx_tile && f.amx_int8;
  }
  return false;
}

std::vector<Isa> available_isas() {
  std::vector<Isa> out;
  for (const Isa isa : kAllIsas) {
    if (isa_available(isa)) out.push_back(isa);
  }
  return out;
}

Isa best_isa() { return available_isas().back(); }

std::vector<CpuFeature> cpu_features() {
  const Features& f = features();
  return {{"sse4.2", f.sse42},
          {"avx", f.avx},
          {"f16c", f.f16c},
          {"fma", f.fma},
          {"avx2", f.avx2},
          {"bmi2", f.bmi2},
          {"avx-vnni", f.avxvnni},
          {"avx512f", f.avx512f},
          {"avx512bw", f.avx512bw},
          {"avx512dq", f.avx512dq},
          {"avx512vl", f.avx512vl},
          {"avx512-vnni", f.avx512vnni},
          {"avx512-bf16", f.avx512bf16},
          {"avx512-fp16", f.avx512fp16},
          {"amx-tile", f.amx_tile},
          {"amx-int8", f.amx_int8},
          {"amx-bf16", f.amx_bf16}};
}

}  // namespace mang
