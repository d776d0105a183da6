// A tiny Llama (or Qwen3-MoE, which has experts) with seeded weights as a GGUF file, written for tests: any weight
// types, any damage.
#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/gguf_writer.h"
#include "tensor/block_formats.h"
#include "tensor/dtype.h"
#include "tensor/float16.h"

namespace mang::test {

inline Shape shape_of(int64_t rows, int64_t cols) { return {static_cast<uint64_t>(rows), static_cast<uint64_t>(cols)}; }

// Random stored rows of any type, with scales that make weights of about `size`.
inline std::string random_rows(DType dtype, int64_t rows, int64_t cols, float size, std::mt19937& random) {
  const auto count = static_cast<size_t>(rows * cols);
  std::string out(static_cast<size_t>(rows) * row_bytes(dtype, static_cast<uint64_t>(cols)), '\0');
  std::normal_distribution<float> normal(0, size);
  if (is_float(dtype)) {
    for (size_t i = 0; i < count; ++i) {
      const float value = normal(random);
      const uint32_t bits = std::bit_cast<uint32_t>(value);
      const uint16_t half = dtype == DType::F16 ? f16_from_f32(value) : static_cast<uint16_t>(bits >> 16);
      if (dtype == DType::F32) std::memcpy(out.data() + 4 * i, &value, 4);
      if (dtype != DType::F32) std::memcpy(out.data() + 2 * i, &half, 2);
    }
    return out;
  }
  // Any bytes are codes; then the f16 scales are set: where they lie in a block, and what one step of a code means.
  struct Scales {
    size_t d;
    float step;
    size_t m = SIZE_MAX;
    float minimum = 0;
  };
  static const std::map<DType, Scales> kScales = {
      {DType::Q4_0, {offsetof(BlockQ4_0, d), 0.25f}},
      {DType::Q4_1, {offsetof(BlockQ4_1, d), 0.25f, offsetof(BlockQ4_1, m), -1.9f}},
      {DType::Q5_0, {offsetof(BlockQ5_0, d), 0.12f}},
      {DType::Q5_1, {offsetof(BlockQ5_1, d), 0.12f, offsetof(BlockQ5_1, m), -1.9f}},
      {DType::Q8_0, {offsetof(BlockQ8_0, d), 0.015f}},
      {DType::Q2_K, {offsetof(BlockQ2_K, d), 0.1f, offsetof(BlockQ2_K, dmin), 0.15f}},
      {DType::Q3_K, {offsetof(BlockQ3_K, d), 0.03f}},
      {DType::Q4_K, {offsetof(BlockQ4_K, d), 0.008f, offsetof(BlockQ4_K, dmin), 0.06f}},
      {DType::Q5_K, {offsetof(BlockQ5_K, d), 0.004f, offsetof(BlockQ5_K, dmin), 0.06f}},
      {DType::Q6_K, {offsetof(BlockQ6_K, d), 0.0007f}},
      {DType::IQ4_NL, {offsetof(BlockIQ4_NL, d), 0.015f}},
      {DType::IQ4_XS, {offsetof(BlockIQ4_XS, d), 0.0009f}},
  };
  const size_t block = dtype_info(dtype).block_bytes;
  std::uniform_real_distribution<float> around(0.7f, 1.3f);
  for (char& byte : out) byte = static_cast<char>(random());
  for (size_t at = 0; at < out.size(); at += block) {
    if (dtype == DType::MXFP4) {
      out[at + offsetof(BlockMXFP4, e)] = static_cast<char>(127 + static_cast<int>(std::log2(size)) - 1);
      continue;
    }
    const Scales& scales = kScales.at(dtype);
    const uint16_t d = f16_from_f32(scales.step * size * around(random));
    std::memcpy(out.data() + at + scales.d, &d, 2);
    const uint16_t m = f16_from_f32(scales.minimum * size * around(random));
    if (scales.m != SIZE_MAX) std::memcpy(out.data() + at + scales.m, &m, 2);
  }
  return out;
}

struct TinyLlama {
  std::string architecture = "llama";
  int64_t experts = 0;  // of the width `intermediate`; "qwen3moe"
  int64_t experts_used = 0;
  int64_t hidden = 64;
  int64_t layers = 2;
  int64_t heads = 4;
  int64_t kv_heads = 2;
  int64_t head_dim = 16;
  int64_t intermediate = 96;
  int64_t vocab = 40;
  uint32_t seed = 1;
  std::function<DType(size_t)> type = [](size_t) { return DType::F32; };  // of the n-th matrix

  // Changes before the file is written: a key's value (−1: leave the key out), a tensor (no bytes: leave it out).
  std::map<std::string, int64_t> integers;
  std::map<std::string, float> floats;
  std::map<std::string, std::string> texts;
  struct Stored {
    DType dtype;
    Shape shape;
    std::string bytes;
  };
  std::map<std::string, std::function<void(Stored&)>> change;
  std::map<std::string, Stored> extra;

  [[nodiscard]] GgufWriter writer() const {
    GgufWriter w;
    const std::string& a = architecture;
    w.add("general.architecture", texts.contains("general.architecture") ? texts.at("general.architecture") : a);
    std::map<std::string, int64_t> numbers = {{a + ".block_count", layers},
                                              {a + ".embedding_length", hidden},
                                              {a + ".attention.head_count", heads},
                                              {a + ".attention.head_count_kv", kv_heads},
                                              {a + ".attention.key_length", head_dim},
                                              {a + ".feed_forward_length", intermediate},
                                              {a + ".context_length", 512},
                                              {a + ".vocab_size", vocab}};
    if (experts > 0) {
      numbers[a + ".expert_count"] = experts;
      numbers[a + ".expert_used_count"] = experts_used;
      numbers[a + ".expert_feed_forward_length"] = intermediate;
    }
    for (const auto& [key, value] : integers) numbers[key] = value;
    for (const auto& [key, value] : numbers) {
      if (value != -1) w.add(key, value);
    }
    std::map<std::string, float> reals = {{a + ".attention.layer_norm_rms_epsilon", 1e-5f},
                                          {a + ".rope.freq_base", 10000.0f}};
    for (const auto& [key, value] : floats) reals[key] = value;
    for (const auto& [key, value] : reals) w.add(key, value);
    for (const auto& [key, value] : texts) {
      if (key != "general.architecture") w.add(key, value);
    }
    for (const auto& [name, tensor] : tensors()) {
      if (!tensor.bytes.empty()) w.add_tensor(name, tensor.dtype, tensor.shape, tensor.bytes);
    }
    return w;
  }
  void write(const std::string& path) const { writer().write(path); }

  [[nodiscard]] std::map<std::string, Stored> tensors() const {
    std::mt19937 random(seed);
    std::map<std::string, Stored> out;
    size_t matrices = 0;
    const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) {
      const DType dtype = type(matrices++);
      const float size = 1.6f / std::sqrt(static_cast<float>(cols));
      out[name + ".weight"] = {dtype, shape_of(rows, cols), random_rows(dtype, rows, cols, size, random)};
    };
    const auto stack = [&](const std::string& name, int64_t rows, int64_t cols) {
      matrix(name, experts * rows, cols);
      out[name + ".weight"].shape = {static_cast<uint64_t>(experts), static_cast<uint64_t>(rows),
                                     static_cast<uint64_t>(cols)};
    };
    const auto vector = [&](const std::string& name, int64_t n) {
      std::string bytes;
      std::normal_distribution<float> normal(1, 0.2f);
      for (int64_t i = 0; i < n; ++i) GgufWriter::put(bytes, normal(random));
      out[name + ".weight"] = {DType::F32, {static_cast<uint64_t>(n)}, bytes};
    };
    const auto norm = [&](const std::string& name) { vector(name, hidden); };
    matrix("token_embd", vocab, hidden);
    matrix("output", vocab, hidden);
    norm("output_norm");
    for (int64_t i = 0; i < layers; ++i) {
      const std::string at = "blk." + std::to_string(i) + ".";
      norm(at + "attn_norm");
      matrix(at + "attn_q", heads * head_dim, hidden);
      matrix(at + "attn_k", kv_heads * head_dim, hidden);
      matrix(at + "attn_v", kv_heads * head_dim, hidden);
      matrix(at + "attn_output", hidden, heads * head_dim);
      norm(at + "ffn_norm");
      if (experts > 0) {
        vector(at + "attn_q_norm", head_dim);
        vector(at + "attn_k_norm", head_dim);
        const std::string router = random_rows(DType::F32, experts, hidden, 0.1f, random);
        out[at + "ffn_gate_inp.weight"] = {DType::F32, shape_of(experts, hidden), router};
        stack(at + "ffn_gate_exps", intermediate, hidden);
        stack(at + "ffn_up_exps", intermediate, hidden);
        stack(at + "ffn_down_exps", hidden, intermediate);
        continue;
      }
      matrix(at + "ffn_gate", intermediate, hidden);
      matrix(at + "ffn_up", intermediate, hidden);
      matrix(at + "ffn_down", hidden, intermediate);
    }
    for (const auto& [name, apply] : change) apply(out.at(name));
    for (const auto& [name, tensor] : extra) out[name] = tensor;
    return out;
  }
};

// All quantized types in one model: the n-th matrix has the n-th type, in turn.
inline TinyLlama tiny_quantized() {
  static constexpr DType kTypes[] = {DType::Q8_0,   DType::Q6_K,   DType::Q4_0, DType::Q4_1, DType::Q5_0,
                                     DType::Q5_1,   DType::Q2_K,   DType::Q3_K, DType::Q4_K, DType::Q5_K,
                                     DType::IQ4_NL, DType::IQ4_XS, DType::MXFP4};
  TinyLlama out;
  out.hidden = 256;
  out.head_dim = 64;
  out.intermediate = 512;
  out.vocab = 72;
  out.layers = 2;
  out.type = [](size_t n) { return kTypes[n % std::size(kTypes)]; };
  return out;
}

inline TinyLlama tiny_experts() {
  TinyLlama out;
  out.architecture = "qwen3moe";
  out.experts = 5;
  out.experts_used = 2;
  return out;
}

// Damages a tensor.
inline std::function<void(TinyLlama::Stored&)> left_out() {
  return [](TinyLlama::Stored& tensor) { tensor.bytes.clear(); };
}

}  // namespace mang::test
