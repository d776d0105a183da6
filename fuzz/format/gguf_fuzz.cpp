// Any bytes as a GGUF file: refused or read, and what was read can be used in every way a caller may.
#include <algorithm>

#include "base/check.h"
#include "format/gguf_part.h"

namespace {

using namespace mang;

// Every getter on every key: each answers with a value or an error, whatever the type.
void use_metadata(const GgufMetadata& metadata) {
  for (const GgufEntry& entry : metadata.entries()) {
    MANG_CHECK(metadata.find(entry.key) == &entry);
    (void)metadata.get_u64(entry.key).ok();
    (void)metadata.get_i64(entry.key).ok();
    (void)metadata.get_float(entry.key).ok();
    (void)metadata.get_bool(entry.key).ok();
    (void)metadata.get_string(entry.key).ok();
    (void)metadata.get_floats(entry.key).ok();
    (void)metadata.get_integers(entry.key).ok();
    (void)metadata.get_bools(entry.key).ok();
    (void)metadata.get_u64_each(entry.key, 3).ok();
    (void)gguf_value_text(entry);
    if (auto strings = metadata.get_strings(entry.key)) {
      size_t bytes = 0;
      for (const auto view : *strings) bytes += std::count(view.begin(), view.end(), 'a') + view.size() + 8;
      MANG_CHECK(bytes >= entry.payload.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  auto part = parse_gguf_part(bytes, "file.gguf", {});
  if (!part) {
    MANG_CHECK(!part.error().message.empty());
    return 0;
  }
  use_metadata(part->metadata);
  for (const StoredTensor& tensor : part->tensors) {
    MANG_CHECK(!tensor.bytes.empty() && tensor.bytes.data() >= bytes.data());
    MANG_CHECK(tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size());
    uint64_t rows = 1;
    for (size_t d = 0; d + 1 < tensor.shape.size(); ++d) rows *= tensor.shape[d];
    MANG_CHECK(rows * row_bytes(tensor.dtype, tensor.shape.back()) == tensor.bytes.size());
  }
  return 0;
}
