// The parts of probe_kernels.h that every instruction set shares, over the 16-lane vector. Include after a vec_*-inl.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace {

constexpr int kChains = 12;  // enough to fill two pipelines of latency 4, few enough for 16 registers of 32 bytes

// Hides where a value came from, so that loops cannot be shortened.
#define MANG_OPAQUE(register_class, x) __asm__ volatile("" : "+" register_class(x))

// All bytes, folded by or.
inline uint64_t read_all(const std::byte* data, int64_t bytes) {
  const auto* p = reinterpret_cast<const uint8_t*>(data);
  VB a = vb_load(p);
  VB b = a;
  VB c = a;
  VB d = a;
  for (int64_t i = 0; i < bytes; i += 256) {
    a = vb_or(a, vb_load(p + i));
    b = vb_or(b, vb_load(p + i + 64));
    c = vb_or(c, vb_load(p + i + 128));
    d = vb_or(d, vb_load(p + i + 192));
  }
  uint8_t folded[64];
  vb_store(folded, vb_or(vb_or(a, b), vb_or(c, d)));
  uint64_t out = 0;
  for (int i = 0; i < 64; ++i) out += folded[i];
  return out;
}

}  // namespace
