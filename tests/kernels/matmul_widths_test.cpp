// Products whose width fills no super-block, no vector and no slice, of fewer rows than a tile: the reference's bits.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/matmul.h"
#include "kernels/reference/matmul.h"
#include "support/tiny_llama.h"

namespace mang::test {
namespace {

struct Case {
  int64_t rows, cols, M;
};

struct Subject {
  DType dtype;
  Case size;
  std::string stored;
  std::vector<float> x;
};

void check(const Device& device, Arithmetic arithmetic, const Subject& s, const std::vector<float>& want) {
  const auto [rows, cols, M] = s.size;
  auto w = PackedMatrix::allocate(s.dtype, rows, cols);
  REQUIRE(pack_rows(device, std::as_bytes(std::span(s.stored)), rows, 0, {}, w));
  std::vector<float> got(want.size(), std::numeric_limits<float>::quiet_NaN());
  const Product product{&w, got.data(), rows};
  matmul(device, arithmetic, s.x.data(), cols, M, cols, {&product, 1});
  CHECK(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)) == 0);
}

TEST_CASE("odd widths and few rows give the reference's bits") {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  ThreadPool pool(2);
  cpu::Kernels emulated = cpu::kernels_of(Isa::generic);
  emulated.matmul = &cpu::kMatmulAmxEmulated;
  std::vector<Device> devices;
  for (const Isa isa : available_isas()) devices.emplace_back(pool, isa);
  devices.emplace_back(pool, Isa::generic, emulated);
  const std::vector<Case> blocks_of_32 = {{1, 32, 17}, {17, 96, 35}, {3, 2080, 18}, {18, 288, 1}};
  const std::vector<Case> floats = {{1, 1, 17}, {17, 37, 5}, {3, 2049, 18}, {18, 301, 1}};
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16, DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1,
                            DType::Q8_0, DType::IQ4_NL, DType::MXFP4}) {
    for (const Case& size : is_float(dtype) ? floats : blocks_of_32) {
      CAPTURE(dtype_name(dtype));
      CAPTURE(size.cols);
      Subject s = {dtype, size, random_rows(dtype, size.rows, size.cols, 1, random), {}};
      for (int64_t i = 0; i < size.M * size.cols; ++i) s.x.push_back(normal(random));
      for (const Arithmetic arithmetic : {Arithmetic::quantized, Arithmetic::refined, Arithmetic::exact}) {
        std::vector<float> want(static_cast<size_t>(size.rows * size.M));
        reference::matmul(arithmetic, dtype, std::as_bytes(std::span(s.stored)).data(), size.rows, size.cols,
                          s.x.data(), size.M, want.data());
        for (const Device& device : devices) {
          CAPTURE(isa_name(device.isa()));
          check(device, arithmetic, s, want);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mang::test
