// A stored tensor: a view of bytes with a type and a shape. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace mang {

// Shapes are written outermost first, as PyTorch does: a linear weight is [out_features, in_features]; rows are
// contiguous. (GGUF files list them the other way round; format/ turns them.)
using Shape = std::vector<uint64_t>;

struct StoredTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::span<const std::byte> bytes;  // exactly the elements, in the mapped file
};

}  // namespace mang
