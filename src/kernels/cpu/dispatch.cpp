#include "base/check.h"
#include "kernels/cpu/attention_kernels.h"
#include "kernels/cpu/elementwise_kernels.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/cpu/probe_kernels.h"

namespace mang::cpu {

// A function of one instruction set is only ever reached through these tables, and a Device refuses an instruction
// set that the machine does not have.
const Kernels& kernels_of(Isa isa) {
  static constexpr Kernels kGeneric = {&kElementwiseGeneric, &kAttentionGeneric, &kMatmulGeneric, &kProbeGeneric};
  static constexpr Kernels kAvx2 = {&kElementwiseAvx2, &kAttentionAvx2, &kMatmulAvx2, &kProbeAvx2};
  static constexpr Kernels kAvxVnni = {&kElementwiseAvx2, &kAttentionAvx2, &kMatmulAvxVnni, &kProbeAvxVnni};
  static constexpr Kernels kAvx512 = {&kElementwiseAvx512, &kAttentionAvx512, &kMatmulAvx512, &kProbeAvx512};
  static constexpr Kernels kAmx = {&kElementwiseAvx512, &kAttentionAvx512, &kMatmulAmx, &kProbeAmx};
  switch (isa) {
    case Isa::generic: return kGeneric;
    case Isa::avx2: return kAvx2;
    case Isa::avxvnni: return kAvxVnni;
    case Isa::avx512: return kAvx512;
    case Isa::amx: return kAmx;
  }
  MANG_CHECK(false && "kernels_of: unknown instruction set");
  return kGeneric;
}

}  // namespace mang::cpu
