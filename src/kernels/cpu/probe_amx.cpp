#include "kernels/cpu/probe_kernels.h"
#include "kernels/cpu/vec_avx512-inl.h"
// after the vector:
#include "kernels/cpu/probe-inl.h"
// after both:
#include "kernels/cpu/probe_zmm-inl.h"

namespace {

struct alignas(64) TileConfig {  // Intel SDM, LDTILECFG
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Four tiles of sums: 16 × 16 int32, each gaining 16 × 64 by 64 × 16 int8.
int32_t dot_rounds(int64_t rounds, int8_t x) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = 16;
  }
  alignas(64) int8_t operand[1024];
  std::memset(operand, x, sizeof operand);
  // The tile intrinsics of g++ 12 do not say what memory they read: without this the stores above could come too late.
  asm volatile("" : : "r"(&config), "r"(operand) : "memory");
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, operand, 64);
  _tile_loadd(5, operand, 64);
  for (int64_t i = 0; i < rounds; ++i) {
    _tile_dpbusd(0, 4, 5);
    _tile_dpbusd(1, 4, 5);
    _tile_dpbusd(2, 4, 5);
    _tile_dpbusd(3, 4, 5);
  }
  alignas(64) int32_t result[256];
  int32_t sum = 0;
  _tile_stored(0, result, 64);
  sum += result[0];
  _tile_stored(3, result, 64);
  sum += result[255];
  _tile_release();
  return sum;
}

}  // namespace

namespace mang::cpu {
const ProbeKernels kProbeAmx = {read_all, fma_rounds, kFmaPerRound, dot_rounds, 4 * 16 * 16 * 64};
}
