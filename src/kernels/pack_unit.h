// One unit of a packed tile (packed_layout.h) from its stored rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/packed_layout.h"

namespace mang {

// rows: the 16 stored rows of the tile, null where there is none (its place is left as it is). Blocks [first_block,
// first_block + blocks) of each row, at most a unit's. False: a scale is not a finite number, or 2^100 or more: the
// kernels multiply scales by up to 1.5 · 2^23, and MXFP4's reach 2^126.
[[nodiscard]] bool pack_unit(DType dtype, const std::byte* const* rows, int64_t first_block, int blocks, uint8_t* unit);

}  // namespace mang
