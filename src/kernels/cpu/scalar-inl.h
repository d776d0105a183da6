// Scalar conversions for the ISA objects: tensor/float16.h again with internal linkage, so that a copy compiled for a
// newer instruction set can never be the one the linker keeps.
#pragma once

#include <cstdint>
#include <cstring>

namespace {

inline float scalar_bits(uint32_t u) { float f; std::memcpy(&f, &u, 4); return f; }
inline uint32_t scalar_bits(float f) { uint32_t u; std::memcpy(&u, &f, 4); return u; }

inline float scalar_f32_from_f16(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t exponent = (h >> 10) & 0x1fu;
  const uint32_t fraction = h & 0x3ffu;
  if (exponent == 31) return scalar_bits(sign | 0x7f800000u | (fraction << 13) | (fraction ? 0x400000u : 0u));
  if (exponent != 0) return scalar_bits(sign | ((exponent + 112) << 23) | (fraction << 13));
  return scalar_bits(scalar_bits(static_cast<float>(fraction) * 0x1p-24f) | sign);
}

inline uint16_t scalar_f16_from_f32(float f) {
  const uint32_t bits = scalar_bits(f);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x1ffu));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    return static_cast<uint16_t>(sign | (scalar_bits(scalar_bits(magnitude) + 0.5f) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

inline float scalar_f32_from_bf16(uint16_t b) { return scalar_bits(static_cast<uint32_t>(b) << 16); }

}  // namespace
