#include "kernels/probe.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/probe_kernels.h"

namespace mang {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kBufferBytes = int64_t{256} << 20;
constexpr int64_t kReadBytes = int64_t{1} << 20;  // read between two looks at the clock

// Memory with its pages in place, in large pages where the system has them.
class Buffer {
 public:
  Buffer() {
    void* memory = ::mmap(nullptr, kBufferBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    ::madvise(memory, kBufferBytes, MADV_HUGEPAGE);
    data_ = static_cast<std::byte*>(memory);
  }
  ~Buffer() {
    if (data_ != nullptr) ::munmap(data_, kBufferBytes);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void fill(const Device& device) {
    device.run(kBufferBytes / kReadBytes,
               [&](int64_t chunk, int) { std::memset(data_ + chunk * kReadBytes, 1, kReadBytes); });
  }
  [[nodiscard]] const std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
};

// Work per second of `threads` threads that call step() → work done, again and again for so long.
template <typename Step>
double rate(const Device& device, int threads, int milliseconds, Step&& step) {
  std::atomic<int64_t> total{0};
  const auto start = Clock::now();
  const auto until = start + std::chrono::milliseconds(milliseconds);
  device.run(threads, [&](int64_t, int) {
    int64_t done = 0;
    while (Clock::now() < until) done += step();
    total.fetch_add(done, std::memory_order_relaxed);
  });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return static_cast<double>(total.load()) / seconds;
}

// Bytes per second of reading the buffer job by job: read(where, how many) for each piece of a job.
template <typename Read>
double step_rate(const Device& device, int milliseconds, Read&& read) {
  constexpr int64_t kJobBytes = int64_t{2} << 20, kPieceBytes = int64_t{128} << 10;
  int64_t at = 0, done = 0;
  const auto start = Clock::now();
  const auto until = start + std::chrono::milliseconds(milliseconds);
  while (Clock::now() < until) {
    device.run(kJobBytes / kPieceBytes, [&](int64_t piece, int) { read(at + piece * kPieceBytes, kPieceBytes); });
    done += kJobBytes;
    at = (at + kJobBytes) % kBufferBytes;
  }
  return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

ProbeResult probe_machine(const Device& device, int milliseconds_each) {
  const cpu::ProbeKernels& kernels = *device.kernels().probe;
  std::atomic<uint64_t> sink{0};  // results go somewhere, so that no loop is idle in the compiler's eyes

  const auto fma = [&] {
    constexpr int64_t kRounds = 4096;
    sink += static_cast<uint64_t>(kernels.fma(kRounds, 0.0f));
    return kRounds * kernels.fma_per_round;
  };
  const auto dot = [&] {
    constexpr int64_t kRounds = 1024;
    sink += static_cast<uint64_t>(kernels.dot(kRounds, 1));
    return kRounds * kernels.dot_per_round;
  };

  ProbeResult out;
  const int all = device.threads();
  out.int8_macs_per_second_one_thread = rate(device, 1, milliseconds_each, dot);
  out.int8_macs_per_second = rate(device, all, milliseconds_each, dot);
  out.f32_macs_per_second_one_thread = rate(device, 1, milliseconds_each, fma);
  out.f32_macs_per_second = rate(device, all, milliseconds_each, fma);

  Buffer buffer;
  if (buffer.data() == nullptr) return out;
  buffer.fill(device);
  std::atomic<int64_t> cursor{0};
  const auto read = [&] {
    const int64_t chunk = cursor.fetch_add(1, std::memory_order_relaxed) % (kBufferBytes / kReadBytes);
    sink += kernels.read(buffer.data() + chunk * kReadBytes, kReadBytes);
    return kReadBytes;
  };
  out.read_bytes_per_second_one_thread = rate(device, 1, milliseconds_each, read);
  out.read_bytes_per_second = rate(device, all, milliseconds_each, read);
  out.read_in_steps_bytes_per_second = step_rate(
      device, milliseconds_each, [&](int64_t at, int64_t bytes) { sink += kernels.read(buffer.data() + at, bytes); });
  return out;
}

}  // namespace mang
