#include "kernels/reference/dequantize.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "base/mapped_file.h"
#include "kernels/support.h"
#include "tensor/block_formats.h"
#include "tensor/float16.h"

using namespace mang;

namespace {

template <typename Block>
std::vector<float> values_of(DType dtype, const Block& block) {
  // At an odd address, as rows in a file may be.
  std::vector<std::byte> bytes(sizeof(Block) + 1);
  std::memcpy(bytes.data() + 1, &block, sizeof(Block));
  std::vector<float> out(dtype_info(dtype).block_elements);
  REQUIRE(dtype_info(dtype).block_bytes == sizeof(Block));
  reference::dequantize_row(dtype, bytes.data() + 1, static_cast<int64_t>(out.size()), out.data());
  return out;
}

void fill_nibbles(uint8_t* qs) {  // element i: i mod 16, element i + 16: 15 − i
  for (int i = 0; i < 16; ++i) qs[i] = static_cast<uint8_t>(i | (15 - i) << 4);
}

}  // namespace

TEST_CASE("plain floats") {
  const std::vector<float> wanted = {0.0f, 1.5f, -2.0f, 0x1p-24f};
  std::vector<uint16_t> halves;
  for (const float x : wanted) halves.push_back(f16_from_f32(x));
  std::vector<float> out(4);
  reference::dequantize_row(DType::F16, reinterpret_cast<const std::byte*>(halves.data()), 4, out.data());
  CHECK(out == wanted);
  reference::dequantize_row(DType::F32, reinterpret_cast<const std::byte*>(wanted.data()), 4, out.data());
  CHECK(out == wanted);
  const std::vector<uint16_t> brain = {0x0000, 0x3fc0, 0xc000, 0x3380};
  reference::dequantize_row(DType::BF16, reinterpret_cast<const std::byte*>(brain.data()), 4, out.data());
  CHECK(out == std::vector<float>{0.0f, 1.5f, -2.0f, 0x1p-24f});
}

TEST_CASE("legacy blocks: nibbles, fifth bits, scale and minimum") {
  BlockQ4_0 q40{f16_from_f32(0.5f), {}};
  fill_nibbles(q40.qs);
  BlockQ4_1 q41{f16_from_f32(0.5f), f16_from_f32(-3.0f), {}};
  fill_nibbles(q41.qs);
  BlockQ5_0 q50{f16_from_f32(2.0f), {0x01, 0x00, 0x00, 0x80}, {}};  // fifth bit of elements 0 and 31
  fill_nibbles(q50.qs);
  BlockQ5_1 q51{f16_from_f32(2.0f), f16_from_f32(1.0f), {0x01, 0x00, 0x00, 0x80}, {}};
  fill_nibbles(q51.qs);
  const auto v40 = values_of(DType::Q4_0, q40);
  const auto v41 = values_of(DType::Q4_1, q41);
  const auto v50 = values_of(DType::Q5_0, q50);
  const auto v51 = values_of(DType::Q5_1, q51);
  for (int i = 0; i < 32; ++i) {
    const int q = i < 16 ? i : 31 - i;
    const int fifth = i == 0 || i == 31 ? 16 : 0;
    const auto at = static_cast<size_t>(i);
    CHECK(v40[at] == 0.5f * static_cast<float>(q - 8));
    CHECK(v41[at] == 0.5f * static_cast<float>(q) - 3.0f);
    CHECK(v50[at] == 2.0f * static_cast<float>(q + fifth - 16));
    CHECK(v51[at] == 2.0f * static_cast<float>(q + fifth) + 1.0f);
  }
  BlockQ8_0 q80{f16_from_f32(0.25f), {}};
  for (int i = 0; i < 32; ++i) q80.qs[i] = static_cast<int8_t>(8 * i - 128);
  const auto v80 = values_of(DType::Q8_0, q80);
  for (int i = 0; i < 32; ++i) CHECK(v80[static_cast<size_t>(i)] == 2.0f * static_cast<float>(i) - 32.0f);
}

TEST_CASE("codebook blocks") {
  BlockIQ4_NL nl{f16_from_f32(0.5f), {}};
  fill_nibbles(nl.qs);
  BlockMXFP4 mx{128, {}};  // 2^(128 − 127) = 2
  fill_nibbles(mx.qs);
  const auto v = values_of(DType::IQ4_NL, nl);
  const auto m = values_of(DType::MXFP4, mx);
  CHECK(v[0] == -63.5f);
  CHECK(v[8] == 0.5f);
  CHECK(v[16] == 56.5f);
  CHECK(v[31] == -63.5f);
  CHECK(m[1] == 1.0f);   // ½ · 2
  CHECK(m[7] == 12.0f);  // 6 · 2
  CHECK(m[9] == -1.0f);
  CHECK(m[16] == -12.0f);
  mx.e = 0;  // 2^−127, and half of it
  CHECK(values_of(DType::MXFP4, mx)[1] == 0x1p-128f);
  mx.e = 1;
  CHECK(values_of(DType::MXFP4, mx)[1] == 0x1p-127f);
  mx.e = 254;
  CHECK(values_of(DType::MXFP4, mx)[2] == 0x1p+127f);
}

TEST_CASE("Q2_K: two bits, scale and minimum of 16") {
  BlockQ2_K b{};
  b.d = f16_from_f32(0.5f);
  b.dmin = f16_from_f32(2.0f);
  b.scales[0] = 0x13;   // elements 0–15: scale 3, minimum 1
  b.scales[15] = 0x2f;  // elements 240–255: scale 15, minimum 2
  b.qs[0] = 0x02;       // element 0: 2
  b.qs[63] = 0xc0;      // element 255: 3
  const auto v = values_of(DType::Q2_K, b);
  CHECK(v[0] == 0.5f * 3 * 2 - 2.0f * 1);
  CHECK(v[1] == -2.0f);
  CHECK(v[255] == 0.5f * 15 * 3 - 2.0f * 2);
  CHECK(v[16] == 0.0f);
}

TEST_CASE("Q3_K: two bits and a third, 16 scales of 6 bits") {
  BlockQ3_K b{};
  b.d = f16_from_f32(1.0f);
  b.scales[0] = 0x21;   // low bits: scale 0: 1, scale 8: 2
  b.scales[7] = 0xf0;   // scale 15: 15
  b.scales[8] = 0x02;   // high bits of scale 0: 2
  b.scales[11] = 0xc0;  // high bits of scale 15: 3
  b.qs[0] = 0x01;       // element 0
  b.hmask[0] = 0x01;    // third bit of element 0
  b.qs[63] = 0x40;      // element 255: 1
  const auto v = values_of(DType::Q3_K, b);
  CHECK(v[0] == static_cast<float>((1 + 2 * 16 - 32) * (1 + 4 - 4)));
  CHECK(v[1] == static_cast<float>((1 + 2 * 16 - 32) * -4));
  CHECK(v[255] == static_cast<float>((15 + 3 * 16 - 32) * (1 - 4)));
  CHECK(v[128] == static_cast<float>((2 - 32) * -4));  // scale 8
}

TEST_CASE("Q4_K and Q5_K: eight scales and minimums of 6 bits") {
  BlockQ4_K b{};
  b.d = f16_from_f32(0.5f);
  b.dmin = f16_from_f32(1.0f);
  b.scales[0] = 63;     // scale 0
  b.scales[4] = 5;      // minimum 0
  b.scales[3] = 0x80;   // high bits of scale 7: 2
  b.scales[7] = 0x40;   // high bits of minimum 7: 1
  b.scales[11] = 0x93;  // low bits: scale 7: 3, minimum 7: 9
  b.qs[0] = 0x0f;       // element 0: 15
  b.qs[127] = 0x70;     // element 255: 7
  const auto v = values_of(DType::Q4_K, b);
  CHECK(v[0] == 0.5f * 63 * 15 - 5);
  CHECK(v[255] == 0.5f * (3 + 32) * 7 - (9 + 16));

  BlockQ5_K c{};
  c.d = b.d;
  c.dmin = b.dmin;
  std::memcpy(c.scales, b.scales, sizeof b.scales);
  std::memcpy(c.qs, b.qs, sizeof b.qs);
  c.qh[0] = 0x01;   // fifth bit of element 0
  c.qh[31] = 0x80;  // fifth bit of element 255
  const auto w = values_of(DType::Q5_K, c);
  CHECK(w[0] == 0.5f * 63 * 31 - 5);
  CHECK(w[1] == -5.0f);
  CHECK(w[255] == 0.5f * (3 + 32) * 23 - (9 + 16));
}

TEST_CASE("Q6_K: four bits and two, 16 signed scales") {
  BlockQ6_K b{};
  b.d = f16_from_f32(0.25f);
  b.scales[0] = -128;
  b.scales[15] = 127;
  b.ql[0] = 0x0a;    // element 0: low 10
  b.qh[0] = 0x03;    // element 0: high 3
  b.ql[127] = 0x50;  // element 255: low 5
  b.qh[63] = 0x80;   // element 255: high 2
  const auto v = values_of(DType::Q6_K, b);
  CHECK(v[0] == 0.25f * -128 * (10 + 48 - 32));
  CHECK(v[1] == 0.25f * -128 * -32);
  CHECK(v[255] == 0.25f * 127 * (5 + 32 - 32));
}

TEST_CASE("IQ4_XS: eight scales of 6 bits over the codebook") {
  BlockIQ4_XS b{};
  b.d = f16_from_f32(0.5f);
  b.scales_l[0] = 0x0f;
  b.scales_h = 0x8001;   // scale 0: high 1; scale 7: high 2
  b.scales_l[3] = 0x70;  // scale 7: low 7
  fill_nibbles(b.qs);    // sub-block 0
  fill_nibbles(b.qs + 112);
  const auto v = values_of(DType::IQ4_XS, b);
  CHECK(v[0] == 0.5f * (15 + 16 - 32) * -127);
  CHECK(v[16] == 0.5f * (15 + 16 - 32) * 113);
  CHECK(v[224 + 3] == 0.5f * (7 + 32 - 32) * -65);
}

TEST_CASE("several blocks of a row follow one another") {
  std::vector<BlockQ8_0> blocks(3);
  for (int b = 0; b < 3; ++b) {
    blocks[static_cast<size_t>(b)].d = f16_from_f32(static_cast<float>(b + 1));
    for (auto& q : blocks[static_cast<size_t>(b)].qs) q = 2;
  }
  std::vector<float> out(96);
  reference::dequantize_row(DType::Q8_0, reinterpret_cast<const std::byte*>(blocks.data()), 96, out.data());
  CHECK(out[0] == 2);
  CHECK(out[32] == 4);
  CHECK(out[95] == 6);
}

// The publisher's reference: tests/golden/dequantize (tools/make_dequantize_goldens.py).
TEST_CASE("every type reads as the gguf package reads it") {
  constexpr int64_t kRows = 8;
  constexpr int64_t kCols = 512;
  for (const char* name : {"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
                           "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"}) {
    CAPTURE(name);
    const std::string stem = std::string(MANG_SOURCE_DIR) + "/tests/golden/dequantize/" + name;
    const auto stored = MappedFile::open(stem + ".bin");
    const auto golden = MappedFile::open(stem + ".npy");
    REQUIRE(stored.ok());
    REQUIRE(golden.ok());
    const DType dtype = *dtype_from_name(name);
    const uint64_t row = row_bytes(dtype, kCols);
    REQUIRE(stored->bytes().size() == kRows * row);
    constexpr size_t kValues = kRows * kCols * sizeof(float);
    REQUIRE(golden->bytes().size() > kValues);  // the values end the file, after its header
    std::vector<float> wanted(kRows * kCols);
    std::memcpy(wanted.data(), golden->bytes().data() + golden->bytes().size() - kValues, kValues);
    std::vector<float> values(kRows * kCols);
    for (int64_t r = 0; r < kRows; ++r) {
      reference::dequantize_row(dtype, stored->bytes().data() + r * static_cast<int64_t>(row), kCols,
                                values.data() + r * kCols);
    }
    CHECK(test::first_difference(values, wanted) == -1);
  }
}
