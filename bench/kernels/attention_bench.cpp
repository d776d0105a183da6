// Speed of attention: decoding at depth beside the read bandwidth, prefill beside the float32 peak, both probed before
// and after each row.    usage: bench_attention [ISA] [THREADS] [f32|f16|q8_0]
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kernels/probe.h"

namespace {

using namespace mang;
using Clock = std::chrono::steady_clock;

struct Model {
  const char* name;
  int64_t heads, kv_heads, head_dim;
};
constexpr Model kModels[] = {
    {"1.5B 12/2x128", 12, 2, 128}, {"0.5B 14/2x64", 14, 2, 64}, {"135M 9/3x64", 9, 3, 64}, {"8B 32/8x128", 32, 8, 128}};

// As many layers as make the cache larger than the processor's.
class Cache {
 public:
  Cache(const Device& device, const KvLayout& layout, int64_t positions, int64_t bytes_at_least) {
    const int64_t pages = (positions + kPagePositions - 1) / kPagePositions;
    layers_ = std::max<int64_t>(1, bytes_at_least / (pages * layout.page_bytes()));
    bytes_ = static_cast<size_t>(layers_ * pages * layout.page_bytes());
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MANG_CHECK(memory_ != MAP_FAILED);
    ::madvise(memory_, bytes_, MADV_HUGEPAGE);  // as the engine's cache has it
    auto* base = static_cast<std::byte*>(memory_);
    const std::vector<float> row(static_cast<size_t>(layout.kv_heads * std::max(layout.head_dim, layout.v_head_dim)),
                                 0.25f);
    for (int64_t i = 0; i < layers_ * pages; ++i) pages_.push_back(base + i * layout.page_bytes());
    device.run(layers_ * pages, [&](int64_t i, int) {
      for (int64_t p = 0; p < kPagePositions; ++p) {
        kv_store(device, layout, const_cast<std::byte*>(pages_[static_cast<size_t>(i)]), p, row.data(), row.data());
      }
    });
    pages_per_layer_ = pages;
  }
  ~Cache() { ::munmap(memory_, bytes_); }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  [[nodiscard]] const std::byte* const* layer(int64_t i) const {
    return pages_.data() + i % layers_ * pages_per_layer_;
  }

 private:
  int64_t layers_ = 1;
  int64_t pages_per_layer_ = 0;
  void* memory_ = nullptr;
  size_t bytes_ = 0;
  std::vector<const std::byte*> pages_;
};

// Median seconds of a call of work(i).
template <typename Work>
double typical_seconds(double budget, Work&& work) {
  std::vector<double> times;
  double total = 0;
  for (int64_t i = 0; i < 3 || (total < budget && i < 2000); ++i) {
    const auto start = Clock::now();
    work(i);
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    total += times.back();
  }
  std::nth_element(times.begin(), times.begin() + static_cast<int64_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

void measure(const Device& device, const Model& model, KvType type, int64_t depth, int64_t queries) {
  const KvLayout layout{type, model.kv_heads, model.head_dim, model.head_dim};
  AttentionParams params;
  params.heads = model.heads;
  params.ldq = params.ldout = model.heads * model.head_dim;
  params.scale = 0.1f;
  const Cache cache(device, layout, depth + queries, queries == 1 ? int64_t{256} << 20 : 0);
  const std::vector<float> q(static_cast<size_t>(queries * params.ldq), 0.5f);
  std::vector<float> out(q.size());
  const ProbeResult before = probe_machine(device, 60);
  const double seconds = typical_seconds(0.5, [&](int64_t i) {
    const AttentionSlice slice{queries, depth, cache.layer(i), q.data(), out.data()};
    attention(device, layout, params, &slice, 1);
  });
  const ProbeResult after = probe_machine(device, 60);
  const double bandwidth = (before.read_bytes_per_second + after.read_bytes_per_second) / 2;
  const double peak = (before.f32_macs_per_second + after.f32_macs_per_second) / 2;
  const double bytes = static_cast<double>((depth + queries) * layout.page_bytes() / kPagePositions);
  const double seen =
      static_cast<double>(queries) * (static_cast<double>(depth) + static_cast<double>(queries + 1) / 2);
  const double macs = seen * static_cast<double>(2 * model.heads * model.head_dim);
  fmt::print(
      "{:14} {:>6} + {:>5} {:9.3f} ms  {:6.1f} GB/s = {:5.1f} % of {:5.1f}   {:7.1f} GMAC/s = {:5.1f} % of {:6.1f}{}\n",
      model.name, depth, queries, seconds * 1e3, bytes / seconds / 1e9, 100 * bytes / seconds / bandwidth,
      bandwidth / 1e9, macs / seconds / 1e9, 100 * macs / seconds / peak, peak / 1e9,
      std::max(before.f32_macs_per_second, after.f32_macs_per_second) >
              1.2 * std::min(before.f32_macs_per_second, after.f32_macs_per_second)
          ? "   (probes disagree)"
          : "");
}

}  // namespace

int main(int argc, char** argv) {
  const Isa isa = argc > 1 ? isa_from_name(argv[1]).value_or(best_isa()) : best_isa();
  ThreadPool pool(argc > 2 ? std::max(1, std::atoi(argv[2])) : 1);
  const std::string kv = argc > 3 ? argv[3] : "f16";
  const KvType type = kv == "f32" ? KvType::f32 : kv == "q8_0" ? KvType::q8_0 : KvType::f16;
  const Device device(pool, isa);
  fmt::print(
      "{} {} threads, KV {}: depth + queries, KV bytes read against bandwidth, multiply-adds against float32 peak\n",
      isa_name(isa), pool.size(), kv);
  for (const Model& model : kModels) {
    for (const int64_t depth : {512, 4095, 16383}) measure(device, model, type, depth, 1);
    for (const int64_t queries : {512, 2048}) measure(device, model, type, 0, queries);
    measure(device, model, type, 8192 - 512, 512);
  }
  return 0;
}
