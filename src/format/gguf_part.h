// One GGUF file as bytes → its metadata and tensors. What format/gguf.h builds on; callers want GgufFile.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "format/gguf.h"
#include "tensor/tensor.h"

namespace mang {

struct GgufPart {
  uint32_t version = 0;
  GgufMetadata metadata;
  std::vector<StoredTensor> tensors;  // in file order; checked except for duplicate names
};

// `what` names the file in messages. All views point into `bytes`.
Result<GgufPart> parse_gguf_part(std::span<const std::byte> bytes, const std::string& what, const Log& log);

}  // namespace mang
