// The tile products of tiles_amx-inl.h in plain loops, so that the packing and the order around them are tested on
// machines without AMX.
#pragma once

namespace {

class Tiles {
 public:
  explicit Tiles(int k) : k_(k) {}

  template <int kSet>
  void multiply(const int8_t* a, const uint8_t* b, int32_t* out) const {
    for (int token = 0; token < 16; ++token) {
      for (int row = 0; row < 16; ++row) {
        int32_t sum = 0;
        for (int k = 0; k < k_; ++k) sum += a[64 * token + k] * static_cast<int8_t>(b[64 * (k / 4) + 4 * row + k % 4]);
        out[16 * token + row] = sum;
      }
    }
  }

 private:
  int k_;
};

}  // namespace
