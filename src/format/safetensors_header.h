// The JSON header of a safetensors file, as it is written: types by name, offsets unchecked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace mang {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  uint64_t begin = 0;  // in the data that follows the header
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// `what` names the file in messages.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, const std::string& what);

// One line of an index: the tensor and the shard that holds it, a number into `shards`.
struct SafetensorsIndex {
  std::vector<std::string> shards;  // file names without folders, in order of first mention
  std::vector<std::pair<std::string, uint32_t>> weights;
};
Result<SafetensorsIndex> parse_safetensors_index(std::string_view json, const std::string& what);

}  // namespace mang
