#include "tensor/dtype.h"

#include <doctest/doctest.h>

#include <vector>

#include "tensor/block_formats.h"

using namespace mang;

namespace {

// GGML_QUANT_SIZES of the Python package gguf 0.19.0 (gguf/constants.py), for the types read here.
struct Published {
  uint32_t id;
  std::string_view name;
  uint32_t block_elements;
  uint32_t block_bytes;
};
const std::vector<Published> kPublished = {
    {0, "F32", 1, 4},       {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},    {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},    {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},    {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110}, {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176}, {14, "Q6_K", 256, 210},
    {20, "IQ4_NL", 32, 18}, {23, "IQ4_XS", 256, 136}, {30, "BF16", 1, 2},     {39, "MXFP4", 32, 17},
};

}  // namespace

TEST_CASE("ids, names and sizes are the published ones") {
  for (const Published& p : kPublished) {
    CAPTURE(p.name);
    const auto dtype = dtype_from_gguf_id(p.id);
    REQUIRE(dtype.has_value());
    CHECK(dtype_from_name(p.name) == dtype);
    CHECK(dtype_name(*dtype) == p.name);
    CHECK(dtype_info(*dtype).block_elements == p.block_elements);
    CHECK(dtype_info(*dtype).block_bytes == p.block_bytes);
    CHECK(gguf_type_name(p.id) == p.name);
    CHECK(row_bytes(*dtype, 512) == 512 / p.block_elements * p.block_bytes);
  }
}

TEST_CASE("exactly the listed types are read") {
  size_t read = 0;
  for (uint32_t id = 0; id < 1000; ++id) read += dtype_from_gguf_id(id).has_value();
  CHECK(read == kPublished.size());
  CHECK_FALSE(dtype_from_gguf_id(~0U).has_value());
  CHECK_FALSE(dtype_from_name("q4_k").has_value());
}

TEST_CASE("types not read still have a name for the message that refuses them") {
  CHECK(gguf_type_name(9) == "Q8_1");
  CHECK(gguf_type_name(15) == "Q8_K");
  CHECK(gguf_type_name(16) == "IQ2_XXS");
  CHECK(gguf_type_name(19) == "IQ1_S");
  CHECK(gguf_type_name(26) == "I32");
  CHECK(gguf_type_name(29) == "IQ1_M");
  CHECK(gguf_type_name(34) == "TQ1_0");
  CHECK(gguf_type_name(35) == "TQ2_0");
  CHECK(gguf_type_name(40) == "NVFP4");
  CHECK(gguf_type_name(41) == "Q1_0");
  CHECK(gguf_type_name(42) == "");
  CHECK(gguf_type_name(~0U) == "");
}

TEST_CASE("only plain floats count as float") {
  for (const Published& p : kPublished) {
    CAPTURE(p.name);
    CHECK(is_float(*dtype_from_gguf_id(p.id)) == (p.block_elements == 1));
  }
}
