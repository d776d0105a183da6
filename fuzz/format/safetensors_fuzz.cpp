// Any bytes as a safetensors file, and as the index of a sharded one.
#include "base/check.h"
#include "format/safetensors.h"
#include "format/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mang;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (auto content = parse_safetensors(bytes, "model.safetensors")) {
    uint64_t total = 0;
    for (const StoredTensor& tensor : content->tensors) {
      uint64_t elements = 1;
      for (const uint64_t d : tensor.shape) elements *= d;
      MANG_CHECK(elements * dtype_info(tensor.dtype).block_bytes == tensor.bytes.size());
      MANG_CHECK(tensor.bytes.data() >= bytes.data());
      MANG_CHECK(tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size());
      total += tensor.bytes.size();
    }
    MANG_CHECK(total < size);  // no byte twice
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto index = parse_safetensors_index(text, "model.safetensors.index.json")) {
    for (const auto& shard : index->shards) MANG_CHECK(shard.find('/') == std::string::npos && shard.size() < 256);
    for (const auto& [name, shard] : index->weights) MANG_CHECK(shard < index->shards.size());
  }
  return 0;
}
