// safetensors checkpoints: bytes → named tensors, nothing interpreted.
// Source: the safetensors format (huggingface/safetensors, README "Format") and, for sharded checkpoints, the index
// file that transformers writes (model.safetensors.index.json with "weight_map").
//
// Refused, always with a sentence: element types other than F32, F16 and BF16 (by name), headers over 100 MB (the
// reference's limit), sizes that wrap, data that does not fill the file exactly (overlaps, holes, a short or long
// file), names given twice, shards outside the directory, shards or tensors the index lists but the disk lacks.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "format/tensor_files.h"

namespace mang {

inline constexpr uint64_t kSafetensorsMaxHeaderBytes = 100'000'000;
inline constexpr uint64_t kSafetensorsMaxTensors = uint64_t{1} << 17;  // of all shards together
inline constexpr uint64_t kSafetensorsMaxMetadata = uint64_t{1} << 16;
inline constexpr uint64_t kSafetensorsMaxTextBytes = uint64_t{16} << 20;  // names and metadata of a file together
inline constexpr uint64_t kSafetensorsMaxDimensions = 8;
inline constexpr uint64_t kSafetensorsMaxShards = 4096;

// One file as bytes.
struct SafetensorsContent {
  std::vector<StoredTensor> tensors;                          // in the order of their data; views into the bytes
  std::vector<std::pair<std::string, std::string>> metadata;  // "__metadata__", in the header's order
};
Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> bytes, const std::string& what);

// The checkpoint in a directory: model.safetensors, or the shards of model.safetensors.index.json. (Where both are,
// the single file, as transformers does.)
class SafetensorsDirectory : public TensorFiles {
 public:
  static Result<SafetensorsDirectory> open(const std::string& directory, const Log& log = {});

  // "format": "pt" and the like, of the first file.
  [[nodiscard]] std::span<const std::pair<std::string, std::string>> metadata() const { return metadata_; }

 private:
  std::vector<std::pair<std::string, std::string>> metadata_;
};

}  // namespace mang
