// The product of prepared tokens with some tiles of a matrix: what one thread does at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/device.h"
#include "kernels/matmul.h"

namespace mang {

// groups × tiles [first, first + count) of w. direct: so few tokens that packed weights are read as they are
// (MatmulKernels::direct_most). place(group) sets where the results of a group go, group after group.
template <typename Place>
void multiply_tiles(const Device& device, int thread, const PackedMatrix& w, int64_t first, int count,
                    std::span<const cpu::InputGroup> groups, bool direct, Place&& place) {
  constexpr size_t kGroupsAtOnce = 96;  // a chunk of 512 tokens, with weights unpacked once
  const cpu::MatmulKernels& kernels = *device.kernels().matmul;
  const cpu::WeightTiles tiles{
      w.dtype(),      reinterpret_cast<const uint8_t*>(w.tile(first)),
      w.tile_bytes(), w.cols(),
      count,          static_cast<int>(std::min<int64_t>(w.rows() - first * kTileRows, int64_t{count} * kTileRows))};
  const int slots = std::max(kernels.max_group, kernels.wide_group);
  cpu::InputGroup local[kGroupsAtOnce];
  for (size_t done = 0; done < groups.size();) {
    const size_t now = std::min(kGroupsAtOnce, groups.size() - done);
    for (size_t g = 0; g < now; ++g) {
      local[g] = groups[done + g];
      place(local[g]);
    }
    const auto n = static_cast<int>(now);
    const auto bytes = static_cast<size_t>(cpu::gemm_scratch_bytes(direct ? 0 : int64_t{n} * slots));
    auto* scratch = reinterpret_cast<uint8_t*>(device.scratch(thread, Device::kUnpacked, bytes));
    if (local[0].x != nullptr) {
      kernels.gemm_float(tiles, local, n, scratch);
    } else if (direct) {
      kernels.direct(tiles, local, n);
    } else {
      kernels.gemm(tiles, local, n, scratch);
    }
    done += now;
  }
}

}  // namespace mang
