// AMX: products of 16 tokens × 16 or 32 k with 16 rows, as exact int32. tiles_emulated-inl.h is its plain twin.
#pragma once

#include <immintrin.h>

namespace {

// The tile intrinsics of g++ 12 do not say that they read memory (of a configuration: only its first 8 bytes), so the
// stores before one could be dropped or come after it. After publish(p) everything written through p is in memory.
inline void publish(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

class Tiles {
 public:
  // k: 16 or 32, the depth of each product that follows.
  explicit Tiles(int k) {
    alignas(64) Config config = {};
    config.palette = 1;
    for (int set = 0; set < 2; ++set) {
      config.rows[3 * set] = 16;  // C: [token][row] int32
      config.bytes[3 * set] = 64;
      config.rows[3 * set + 1] = 16;  // A: [token][k] int8
      config.bytes[3 * set + 1] = static_cast<uint16_t>(k);
      config.rows[3 * set + 2] = static_cast<uint8_t>(k / 4);  // B: [k/4][row][4] int8
      config.bytes[3 * set + 2] = 64;
    }
    publish(&config);
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

  // out[token][row] = Σ_k a[token][k] · b[k/4][row][k mod 4]; rows of a are 64 bytes apart. Two sets of registers
  // (kSet 0 and 1), so that one product can load while the other multiplies.
  template <int kSet>
  void multiply(const int8_t* a, const uint8_t* b, int32_t* out) {
    publish(a);
    publish(b);
    if constexpr (kSet == 0) {
      _tile_zero(0);
      _tile_loadd(1, a, 64);
      _tile_loadd(2, b, 64);
      _tile_dpbssd(0, 1, 2);
      _tile_stored(0, out, 64);
    } else {
      _tile_zero(3);
      _tile_loadd(4, a, 64);
      _tile_loadd(5, b, 64);
      _tile_dpbssd(3, 4, 5);
      _tile_stored(3, out, 64);
    }
  }

 private:
  struct Config {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  };
};

}  // namespace
