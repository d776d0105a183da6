// Speed of matmul for one weight type on one instruction set, beside the integer peak and the read bandwidth of the
// same moment.    usage: bench_matmul [TYPE|all] [ISA] [THREADS] [ROWS] [COLS]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/matmul.h"

namespace {

using namespace mang;
using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The best of several: what the kernel can do, not what the neighbours left of it.
double best_seconds(const std::function<void()>& work) {
  double best = 1e9;
  double total = 0;
  for (int i = 0; i < 50 && (i < 4 || total < 0.25); ++i) {
    const double s = seconds_of(work);
    best = std::min(best, s);
    total += s;
  }
  return best;
}

void measure(DType dtype, Isa isa, int threads, int64_t rows, int64_t cols) {
  ThreadPool pool(threads);
  const Device device(pool, isa);
  std::mt19937 rng(1);
  // Enough copies that one token streams from memory, not from a cache.
  const int64_t matrix_bytes = rows * static_cast<int64_t>(row_bytes(dtype, static_cast<uint64_t>(cols)));
  const int64_t copies = std::clamp<int64_t>((int64_t{300} << 20) / matrix_bytes, 1, 200);
  std::vector<std::byte> stored(static_cast<size_t>(matrix_bytes), std::byte{0x21});
  std::vector<PackedMatrix> weights;
  for (int64_t i = 0; i < copies; ++i) {
    weights.push_back(PackedMatrix::allocate(dtype, rows, cols));
    if (!pack_rows(device, stored, rows, 0, {}, weights.back())) std::abort();
  }
  for (int64_t M : {1, 2, 4, 8, 16, 32, 128, 512}) {
    std::normal_distribution<float> normal;
    std::vector<float> x(static_cast<size_t>(M * cols)), y(static_cast<size_t>(M * rows));
    for (auto& v : x) v = normal(rng);
    const int64_t used = M <= 8 ? copies : std::min<int64_t>(copies, 2);
    const double s = best_seconds([&] {
      for (int64_t i = 0; i < used; ++i) {
        const Product product{&weights[static_cast<size_t>(i)], y.data(), rows};
        matmul(device, Arithmetic::quantized, x.data(), cols, M, cols, {&product, 1});
      }
    });
    fmt::print("{:8} M {:4}  {:8.1f} GMAC/s  {:6.1f} GB/s of weights\n", dtype_name(dtype), M,
               static_cast<double>(used * M * rows * cols) / s / 1e9, static_cast<double>(used * matrix_bytes) / s / 1e9);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string type = argc > 1 ? argv[1] : "Q4_K";
  const Isa isa = argc > 2 ? isa_from_name(argv[2]).value_or(best_isa()) : best_isa();
  const int threads = argc > 3 ? std::atoi(argv[3]) : 1;
  const int64_t rows = argc > 4 ? std::atoll(argv[4]) : 1536;
  const int64_t cols = argc > 5 ? std::atoll(argv[5]) : 1536;
  for (DType dtype : {DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::Q8_0, DType::Q2_K, DType::Q3_K, DType::Q4_K,
                      DType::Q5_K, DType::Q6_K, DType::IQ4_NL, DType::IQ4_XS, DType::MXFP4, DType::F32, DType::F16, DType::BF16}) {
    if (type == "all" || dtype_from_name(type) == dtype) measure(dtype, isa, threads, rows, cols);
  }
}
