// The matmul kernels of one instruction set. Raw pointers only: these tables are filled in ISA objects.
#pragma once

#include <cstdint>

#include "kernels/packed_layout.h"

namespace mang::cpu {

// Tokens are worked on in groups that share each weight loaded. Inside a group of g tokens everything is interleaved:
struct InputGroup {
  int tokens;  // g
  // The first half of the tokens are rows, the second what they leave over (refined products): results are added, and y
  // holds g/2 tokens. g is even.
  bool pairs;
  // quantized input
  const int8_t* q;      // [K/4][g][4]; in a wide group: [K/64][g][64], the last part padded
  const float* d;       // [K/input_block][g]   scale of each block of x
  const float* sum;     // [K/32 or K/16][g]    d · Σ q over the extent of one minimum (types with minimums)
  const int32_t* init;  // [K/input_block][g]   init_bias − offset · Σ q
  // float input
  const float* x;  // [K][g]
  // where results go: y[token · ldy + row]
  float* y;
  int64_t ldy;
};

// Rows [0, 16 · tiles) of one matrix, `rows` of them real (the last tile may be partial).
struct WeightTiles {
  DType dtype;
  const uint8_t* data;
  int64_t tile_bytes;
  int64_t cols;
  int tiles;
  int rows;
};

struct MatmulKernels {
  int max_group;      // largest g the kernels take
  int wide_group;     // g of the groups that AMX takes; 0: none
  int wide_block;     // and the smallest input block it takes them for: measured, tiles 16 deep lose to AVX-512
  int wide_least;     // and the fewest tokens: measured, below them AVX-512 waits less for the weights
  int32_t init_bias;  // added to every `init` (AVX-512 starts sums at the bits of 1.5·2^23 to convert for free)

  // x [K] of one token: codes q [K], and for each block of input_block elements its scale d and the sum Σ q
  // [K/input_block]. Where a value of x is not finite, every d is NaN.
  void (*quantize_row)(const float* x, int64_t K, int input_block, int8_t* q, float* d, int32_t* sums);

  // What quantize_row leaves over: x[k] − d·q[k], by one fma. [K]
  void (*residual_row)(const float* x, const int8_t* q, const float* d, int64_t K, int input_block, float* rest);

  // Groups of at most direct_group tokens, reading packed weights directly: faster than unpacking up to direct_most
  // tokens in all (measured: bench/kernels/matmul_bench.cpp).
  int direct_group;
  int direct_most;
  void (*direct)(const WeightTiles& w, const InputGroup* groups, int group_count);

  // Some groups; weights are unpacked once into scratch (at least gemm_scratch_bytes()) and used for all groups.
  void (*gemm)(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch);

  // Float input: float types as they are; quantized types through dequantization (exact arithmetic).
  void (*gemm_float)(const WeightTiles& w, const InputGroup* groups, int group_count, uint8_t* scratch);
};

// Scratch the gemm functions need: a slice of the unpacked weights of two tiles, and the sums so far of kTilesTogether
// tiles and `slots` tokens (each group counted as large as groups can be).
inline constexpr int64_t kSliceCols = 576;  // at most; two unpacked tiles of it stay in a 48 KiB L1 cache
inline constexpr int64_t kUnpackedTile = kSliceCols * 64 + 4096;
inline constexpr int kTilesTogether = 4;  // that share a slice of the tokens while it is in the L2 cache
constexpr int64_t gemm_scratch_bytes(int64_t slots) {
  return 2 * kUnpackedTile + kTilesTogether * slots * kTileRows * int64_t{sizeof(float)};
}

extern const MatmulKernels kMatmulGeneric;
extern const MatmulKernels kMatmulAvx2;
extern const MatmulKernels kMatmulAvxVnni;
extern const MatmulKernels kMatmulAvx512;
extern const MatmulKernels kMatmulAmx;
extern const MatmulKernels kMatmulAmxEmulated;  // for tests: the tile path in plain C++

}  // namespace mang::cpu
