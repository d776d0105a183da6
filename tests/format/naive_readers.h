// Second readers of GGUF and safetensors, written from the format descriptions without a line of src/format/: slow,
// copying, with 128-bit arithmetic where the real readers check for overflow. Tests compare the two.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mang::test {

struct NaiveTensor {
  uint32_t gguf_type = 0;       // also for safetensors: 0 F32, 1 F16, 30 BF16
  std::vector<uint64_t> shape;  // outermost first
  uint64_t begin = 0;           // in the file
  uint64_t end = 0;
  bool operator==(const NaiveTensor&) const = default;
};

struct NaiveFile {
  std::map<std::string, std::string> metadata;  // key → type, element type and count as text, then the value's bytes
  std::map<std::string, NaiveTensor> tensors;
  bool operator==(const NaiveFile&) const = default;
};

// nullopt: the file is not sound.
std::optional<NaiveFile> naive_gguf(const std::string& bytes);
std::optional<NaiveFile> naive_safetensors(const std::string& bytes);

}  // namespace mang::test
