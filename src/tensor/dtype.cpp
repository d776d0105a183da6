#include "tensor/dtype.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "tensor/block_formats.h"

namespace mang {

namespace {

constexpr std::array<DTypeInfo, 16> kInfos = {{
    {DType::F32, "F32", 1, 4},
    {DType::F16, "F16", 1, 2},
    {DType::BF16, "BF16", 1, 2},
    {DType::Q4_0, "Q4_0", 32, sizeof(BlockQ4_0)},
    {DType::Q4_1, "Q4_1", 32, sizeof(BlockQ4_1)},
    {DType::Q5_0, "Q5_0", 32, sizeof(BlockQ5_0)},
    {DType::Q5_1, "Q5_1", 32, sizeof(BlockQ5_1)},
    {DType::Q8_0, "Q8_0", 32, sizeof(BlockQ8_0)},
    {DType::Q2_K, "Q2_K", 256, sizeof(BlockQ2_K)},
    {DType::Q3_K, "Q3_K", 256, sizeof(BlockQ3_K)},
    {DType::Q4_K, "Q4_K", 256, sizeof(BlockQ4_K)},
    {DType::Q5_K, "Q5_K", 256, sizeof(BlockQ5_K)},
    {DType::Q6_K, "Q6_K", 256, sizeof(BlockQ6_K)},
    {DType::IQ4_NL, "IQ4_NL", 32, sizeof(BlockIQ4_NL)},
    {DType::IQ4_XS, "IQ4_XS", 256, sizeof(BlockIQ4_XS)},
    {DType::MXFP4, "MXFP4", 32, sizeof(BlockMXFP4)},
}};

// Ids GGUF gave out, by number, also those withdrawn since.
constexpr std::array<std::string_view, 42> kGgufNames = {
    "F32",        "F16",        "Q4_0",       "Q4_1",  "Q4_2",     "Q4_3",     "Q5_0",     "Q5_1",    "Q8_0",
    "Q8_1",       "Q2_K",       "Q3_K",       "Q4_K",  "Q5_K",     "Q6_K",     "Q8_K",     "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS",    "IQ1_S",      "IQ4_NL",     "IQ3_S", "IQ2_S",    "IQ4_XS",   "I8",       "I16",     "I32",
    "I64",        "F64",        "IQ1_M",      "BF16",  "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",   "TQ2_0",
    "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4",    "Q1_0"};

}  // namespace

const DTypeInfo& dtype_info(DType dtype) {
  const auto* found = std::find_if(kInfos.begin(), kInfos.end(), [&](const DTypeInfo& i) { return i.dtype == dtype; });
  MANG_CHECK(found != kInfos.end());
  return *found;
}

std::optional<DType> dtype_from_gguf_id(uint32_t id) {
  for (const auto& info : kInfos) {
    if (static_cast<uint32_t>(info.dtype) == id) return info.dtype;
  }
  return std::nullopt;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const auto& info : kInfos) {
    if (info.name == name) return info.dtype;
  }
  return std::nullopt;
}

std::string_view gguf_type_name(uint32_t id) { return id < kGgufNames.size() ? kGgufNames[id] : ""; }

uint64_t row_bytes(DType dtype, uint64_t elements) {
  const auto& info = dtype_info(dtype);
  MANG_CHECK(elements % info.block_elements == 0);
  return elements / info.block_elements * info.block_bytes;
}

}  // namespace mang
