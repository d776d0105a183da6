// Element types of stored tensors, with GGUF's ids and sizes.
// Source: the GGUF specification (ggml-org/ggml, docs/gguf.md) and the Open Compute MX specification for MXFP4.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mang {

enum class DType : uint32_t {  // the values are GGUF's type ids
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  IQ4_NL = 20,
  IQ4_XS = 23,
  BF16 = 30,
  MXFP4 = 39,
};

struct DTypeInfo {
  DType dtype;
  std::string_view name;    // "Q4_K"
  uint32_t block_elements;  // elements of a row stored together; 1 for plain floats
  uint32_t block_bytes;
};

// Information about a type this program reads.
const DTypeInfo& dtype_info(DType dtype);
inline std::string_view dtype_name(DType dtype) { return dtype_info(dtype).name; }

// nullopt: an id or name that is not read.
std::optional<DType> dtype_from_gguf_id(uint32_t id);
std::optional<DType> dtype_from_name(std::string_view name);

// GGUF's name of any type id it ever gave out, also those not read here ("IQ2_XXS"); empty for others.
std::string_view gguf_type_name(uint32_t id);

[[nodiscard]] constexpr bool is_float(DType dtype) {
  return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::BF16;
}

// Bytes of a row of `elements`, which must be a multiple of block_elements.
uint64_t row_bytes(DType dtype, uint64_t elements);

}  // namespace mang
