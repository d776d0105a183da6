// How the tiles of a product are cut into pieces that threads claim. What a piece holds never changes a result.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/device.h"

namespace mang {

// Tokens up to which reading the weights is what takes time.
inline constexpr int64_t kStreamedMost = 64;

// The tiles of the next piece, where `tiles` of tile_bytes each are left of a matrix, and left_bytes of all matrices.
// Weights are read as streams, and each new place in memory costs a while until the stream runs: so the first pieces
// are large, and the last ones so small that all threads end together. Many tokens are work enough for smaller pieces,
// so that little waits for a thread held up by another program. Tiles go in pairs: kernels take two.
inline int64_t next_piece(const Device& device, int64_t tokens, int64_t left_bytes, int64_t tile_bytes, int64_t tiles) {
  constexpr int64_t kStreamedBytes = int64_t{32} << 10;  // the least that is worth a claim of few tokens
  constexpr int64_t kMostTiles = 16;                     // and the most of more tokens
  const int64_t share = left_bytes / (device.threads() == 1 ? 1 : 2 * device.threads());
  const int64_t wanted =
      tokens <= kStreamedMost ? std::max(share, kStreamedBytes) / tile_bytes : std::min(share / tile_bytes, kMostTiles);
  return std::min(std::max<int64_t>(2, wanted / 2 * 2), tiles);
}

// Into how many parts, of at most `most`, tokens are split where there are few pairs of tiles for them.
inline int64_t token_parts(const Device& device, int64_t tokens, int64_t pairs, int64_t most) {
  if (tokens <= kStreamedMost) return 1;
  return std::clamp<int64_t>((8 * device.threads() + pairs - 1) / pairs, 1, std::max<int64_t>(1, most));
}

}  // namespace mang
