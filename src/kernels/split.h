// How operations on rows of activations are split over threads. Pieces are large enough to be worth a claim.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/device.h"

namespace mang {

inline constexpr int64_t kPieceElements = 4096;

// f(row) for each of M rows of D elements.
template <typename F>
void for_rows(const Device& device, int64_t M, int64_t D, F&& f) {
  const int64_t rows = std::max<int64_t>(1, kPieceElements / std::max<int64_t>(1, D));
  device.run((M + rows - 1) / rows, [&](int64_t chunk, int) {
    for (int64_t m = chunk * rows; m < std::min(M, (chunk + 1) * rows); ++m) f(m);
  });
}

// f(row, begin, end) covering each of M rows of D elements: whole rows, or parts of long ones.
template <typename F>
void for_ranges(const Device& device, int64_t M, int64_t D, F&& f) {
  const int64_t parts = std::max<int64_t>(1, D / kPieceElements);
  const int64_t part = ((D + parts - 1) / parts + 15) / 16 * 16;
  if (parts == 1) {
    for_rows(device, M, D, [&](int64_t m) { f(m, int64_t{0}, D); });
    return;
  }
  device.run(M * parts, [&](int64_t chunk, int) {
    const int64_t begin = chunk % parts * part;
    const int64_t end = std::min(D, begin + part);
    if (begin < end) f(chunk / parts, begin, end);
  });
}

}  // namespace mang
