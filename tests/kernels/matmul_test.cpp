// Every instruction set, thread count and number of tokens gives the reference's bits, for every weight type.
#include "kernels/matmul.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/reference/dequantize.h"
#include "kernels/reference/matmul.h"
#include "support/scale.h"
#include "tensor/float16.h"

namespace mang {
namespace {

constexpr DType kTypes[] = {DType::F32,  DType::F16,    DType::BF16,   DType::Q4_0, DType::Q4_1, DType::Q5_0,
                            DType::Q5_1, DType::Q8_0,   DType::Q2_K,   DType::Q3_K, DType::Q4_K, DType::Q5_K,
                            DType::Q6_K, DType::IQ4_NL, DType::IQ4_XS, DType::MXFP4};

void put_f16(std::vector<std::byte>& bytes, size_t at, float value) {
  const uint16_t h = f16_from_f32(value);
  std::memcpy(bytes.data() + at, &h, 2);
}

// Random codes in stored blocks; scales of ordinary size, so that sums neither vanish nor overflow.
std::vector<std::byte> random_rows(DType dtype, int64_t rows, int64_t cols, std::mt19937& rng) {
  const auto& info = dtype_info(dtype);
  std::vector<std::byte> out(static_cast<size_t>(rows) * row_bytes(dtype, static_cast<uint64_t>(cols)));
  for (auto& b : out) b = static_cast<std::byte>(rng() & 255);
  std::uniform_real_distribution<float> scale(-0.05f, 0.05f);
  std::normal_distribution<float> normal(0, 1);
  for (size_t at = 0; at < out.size(); at += info.block_bytes) {
    const float value = normal(rng);
    switch (dtype) {
      case DType::F32:
        std::memcpy(out.data() + at, &value, 4);
        break;
      case DType::F16:
        put_f16(out, at, value);
        break;
      case DType::BF16: {
        uint32_t bits;
        std::memcpy(&bits, &value, 4);
        const auto high = static_cast<uint16_t>(bits >> 16);
        std::memcpy(out.data() + at, &high, 2);
        break;
      }
      case DType::Q4_1:
      case DType::Q5_1:
      case DType::Q4_K:
      case DType::Q5_K:
        put_f16(out, at, scale(rng));
        put_f16(out, at + 2, scale(rng));
        break;
      case DType::Q2_K:
        put_f16(out, at + 80, scale(rng));
        put_f16(out, at + 82, scale(rng));
        break;
      case DType::Q3_K:
        put_f16(out, at + 108, scale(rng));
        break;
      case DType::Q6_K:
        put_f16(out, at + 208, scale(rng));
        break;
      case DType::MXFP4:
        out[at] = static_cast<std::byte>(rng() % 8 == 0 ? rng() % 3 : 118 + rng() % 8);
        break;
      default:
        put_f16(out, at, scale(rng));
        break;
    }
  }
  return out;
}

std::vector<float> random_input(int64_t M, int64_t K, std::mt19937& rng) {
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> x(static_cast<size_t>(M * K));
  for (auto& v : x) v = normal(rng) * (rng() % 50 == 0 ? 20.0f : 1.0f);
  for (int64_t k = 0; k < 32; ++k) x[static_cast<size_t>(k)] = 0;  // a block of zeros
  if (M > 1) x[static_cast<size_t>(K + 1)] = 1e-38f;
  return x;
}

int64_t different_bits(const std::vector<float>& a, const std::vector<float>& b) {
  int64_t n = 0;
  for (size_t i = 0; i < a.size(); ++i) n += std::memcmp(&a[i], &b[i], 4) != 0;
  return n;
}

struct Case {
  int64_t rows, cols, M;
};

TEST_CASE("packed rows unpack to what the stored bytes mean") {
  std::mt19937 rng(1);
  ThreadPool pool(2);
  const Device device(pool, Isa::generic);
  for (DType dtype : kTypes) {
    CAPTURE(dtype_name(dtype));
    const int64_t rows = 21, cols = 512;
    const auto stored = random_rows(dtype, rows, cols, rng);
    auto w = PackedMatrix::allocate(dtype, rows, cols);
    std::vector<int32_t> order(static_cast<size_t>(rows));
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(order.size() - 1 - i);
    REQUIRE(pack_rows(device, stored, rows, 0, order, w));
    std::vector<float> got(static_cast<size_t>(cols)), want(got.size());
    const auto stride = row_bytes(dtype, static_cast<uint64_t>(cols));
    for (int64_t r = 0; r < rows; ++r) {
      reference::dequantize_row(dtype, stored.data() + static_cast<size_t>(r) * stride, cols, want.data());
      unpack_row(w, rows - 1 - r, got.data());
      CHECK(different_bits(got, want) == 0);
    }
  }
}

TEST_CASE("every instruction set, batch size and thread count gives the reference's bits") {
  std::mt19937 rng(2);
  const auto cases = test::reduced<std::vector<Case>>({{40, 256, 1},
                                                       {16, 512, 2},
                                                       {70, 256, 3},
                                                       {48, 512, 4},
                                                       {33, 768, 7},
                                                       {130, 256, 17},
                                                       {64, 2304, 6},
                                                       {80, 4352, 25},
                                                       {50, 768, 41}},
                                                      {{40, 256, 1},
                                                       {16, 512, 2},
                                                       {19, 256, 3},
                                                       {33, 256, 4},
                                                       {17, 768, 7},
                                                       {35, 256, 17},
                                                       {16, 2304, 6},
                                                       {18, 4352, 5},
                                                       {35, 256, 41}});
  for (DType dtype : kTypes) {
    for (const Case& c : cases) {
      const auto stored = random_rows(dtype, c.rows, c.cols, rng);
      const auto x = random_input(c.M, c.cols, rng);
      for (Arithmetic arithmetic : {Arithmetic::quantized, Arithmetic::refined, Arithmetic::exact}) {
        std::vector<float> want(static_cast<size_t>(c.rows * c.M));
        reference::matmul(arithmetic, dtype, stored.data(), c.rows, c.cols, x.data(), c.M, want.data());
        for (Isa isa : available_isas()) {
          if (isa == Isa::generic && c.rows * c.cols * c.M > 200000) continue;  // soft fma: the small cases suffice
          for (int threads : {1, 3}) {
            CAPTURE(dtype_name(dtype));
            CAPTURE(isa_name(isa));
            CAPTURE(c.M);
            CAPTURE(c.cols);
            ThreadPool pool(threads);
            const Device device(pool, isa);
            auto w = PackedMatrix::allocate(dtype, c.rows, c.cols);
            REQUIRE(pack_rows(device, stored, c.rows, 0, {}, w));
            std::vector<float> got(want.size(), std::numeric_limits<float>::quiet_NaN());
            const Product product{&w, got.data(), c.rows};
            matmul(device, arithmetic, x.data(), c.cols, c.M, c.cols, {&product, 1});
            CHECK(different_bits(got, want) == 0);
          }
        }
      }
    }
  }
}

// Groups of 16 tokens for every type, also where the machine's table would not take them.
void check_tiles(const Device& device) {
  std::mt19937 rng(6);
  const int64_t rows = 37, K = 768, M = 37;
  for (DType dtype : kTypes) {
    CAPTURE(dtype_name(dtype));
    const auto stored = random_rows(dtype, rows, K, rng);
    const auto x = random_input(M, K, rng);
    std::vector<float> want(static_cast<size_t>(rows * M)), got(want.size());
    reference::matmul(Arithmetic::quantized, dtype, stored.data(), rows, K, x.data(), M, want.data());
    auto w = PackedMatrix::allocate(dtype, rows, K);
    REQUIRE(pack_rows(device, stored, rows, 0, {}, w));
    const Product product{&w, got.data(), rows};
    matmul(device, Arithmetic::quantized, x.data(), K, M, K, {&product, 1});
    CHECK(different_bits(got, want) == 0);
  }
}

TEST_CASE("the tile path, emulated in plain C++ and on AMX where there is one, gives the reference's bits") {
  ThreadPool pool(2);
  cpu::Kernels kernels = cpu::kernels_of(Isa::generic);
  kernels.matmul = &cpu::kMatmulAmxEmulated;
  check_tiles(Device(pool, Isa::generic, kernels));
  if (isa_available(Isa::amx)) {
    cpu::MatmulKernels wide = cpu::kMatmulAmx;
    wide.wide_block = 16;
    wide.wide_least = cpu::kMatmulAmxEmulated.wide_least;
    kernels = cpu::kernels_of(Isa::amx);
    kernels.matmul = &wide;
    check_tiles(Device(pool, Isa::amx, kernels));
  }
}

TEST_CASE("products that share their input, of different types, each get their own result") {
  std::mt19937 rng(3);
  const int64_t K = 512, M = 9;
  const auto x = random_input(M, K, rng);
  const DType types[] = {DType::Q4_K, DType::Q6_K, DType::Q8_0, DType::Q4_1,
                         DType::F16,  DType::Q5_0, DType::Q2_K, DType::MXFP4};
  for (Isa isa : available_isas()) {
    CAPTURE(isa_name(isa));
    ThreadPool pool(2);
    const Device device(pool, isa);
    std::vector<PackedMatrix> weights;
    std::vector<std::vector<float>> got, want;
    std::vector<Product> products;
    for (DType dtype : types) {
      const int64_t rows = 20 + 16 * static_cast<int64_t>(weights.size());
      const auto stored = random_rows(dtype, rows, K, rng);
      weights.push_back(PackedMatrix::allocate(dtype, rows, K));
      REQUIRE(pack_rows(device, stored, rows, 0, {}, weights.back()));
      want.emplace_back(static_cast<size_t>(rows * M));
      got.emplace_back(static_cast<size_t>(rows * M));
      reference::matmul(Arithmetic::quantized, dtype, stored.data(), rows, K, x.data(), M, want.back().data());
    }
    for (size_t i = 0; i < weights.size(); ++i) products.push_back({&weights[i], got[i].data(), weights[i].rows()});
    matmul(device, Arithmetic::quantized, x.data(), K, M, K, products);
    for (size_t i = 0; i < weights.size(); ++i) CHECK(different_bits(got[i], want[i]) == 0);
  }
}

TEST_CASE("the check is sharp: a sum taken in another order is caught") {
  std::mt19937 rng(4);
  const int64_t rows = 32, K = 1024;
  for (DType dtype : {DType::Q4_K, DType::Q4_1, DType::Q8_0, DType::F16}) {
    CAPTURE(dtype_name(dtype));
    const auto stored = random_rows(dtype, rows, K, rng);
    const auto x = random_input(1, K, rng);
    std::vector<float> want(static_cast<size_t>(rows)), mutant(static_cast<size_t>(rows));
    reference::matmul(Arithmetic::quantized, dtype, stored.data(), rows, K, x.data(), 1, want.data());
    // The mutant adds the two halves of k, each summed as defined, instead of running through.
    const auto stride = row_bytes(dtype, K), half = row_bytes(dtype, K / 2);
    std::vector<std::byte> first, second;
    for (int64_t r = 0; r < rows; ++r) {
      const auto* row = stored.data() + static_cast<size_t>(r) * stride;
      first.insert(first.end(), row, row + half);
      second.insert(second.end(), row + half, row + stride);
    }
    std::vector<float> a(static_cast<size_t>(rows)), b(static_cast<size_t>(rows));
    reference::matmul(Arithmetic::quantized, dtype, first.data(), rows, K / 2, x.data(), 1, a.data());
    reference::matmul(Arithmetic::quantized, dtype, second.data(), rows, K / 2, x.data() + K / 2, 1, b.data());
    for (size_t i = 0; i < mutant.size(); ++i) mutant[i] = a[i] + b[i];
    CHECK(different_bits(mutant, want) > 0);
  }
}

TEST_CASE("infinities and NaN never become plausible numbers") {
  std::mt19937 rng(5);
  const int64_t K = 256;
  const auto stored = random_rows(DType::Q4_0, 16, K, rng);
  for (Isa isa : available_isas()) {
    ThreadPool pool(1);
    const Device device(pool, isa);
    auto w = PackedMatrix::allocate(DType::Q4_0, 16, K);
    REQUIRE(pack_rows(device, stored, 16, 0, {}, w));
    for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      auto x = random_input(3, K, rng);
      x[static_cast<size_t>(K + 200)] = bad;  // the second token
      std::vector<float> y(48);
      const Product product{&w, y.data(), 16};
      matmul(device, Arithmetic::quantized, x.data(), K, 3, K, {&product, 1});
      for (size_t i = 0; i < 48; ++i) CHECK(std::isnan(y[i]) == (i / 16 == 1));
    }
    auto damaged = stored;
    put_f16(damaged, 18, std::numeric_limits<float>::infinity());
    CHECK(!pack_rows(device, damaged, 16, 0, {}, w));
  }
}

}  // namespace
}  // namespace mang
