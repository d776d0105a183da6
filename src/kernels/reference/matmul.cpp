#include "kernels/reference/matmul.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/quant_blocks.h"
#include "tensor/float16.h"

namespace mang::reference {

namespace {

float float_weight(DType dtype, const std::byte* row, int64_t k) {
  if (dtype == DType::F32) {
    float f;
    std::memcpy(&f, row + 4 * k, 4);
    return f;
  }
  uint16_t h;
  std::memcpy(&h, row + 2 * k, 2);
  return dtype == DType::F16 ? f32_from_f16(h) : f32_from_bf16(h);
}

// w = ws · (u − offset) + wm, the product rounded, then the sum (none where the type has no minimum).
float quant_weight(DType dtype, const std::byte* row, int64_t k) {
  QuantBlock b;
  read_quant_block(dtype, row, k / kBlock, b);
  const int i = static_cast<int>(k % kBlock);
  const QuantTraits traits = quant_traits(dtype);
  const float product = b.ws[i / 16] * static_cast<float>(static_cast<int>(b.codes[i]) - traits.offset);
  return traits.mins == 0 ? product : product + b.wm[i / 16];
}

// One fma chain along k, restarted every 256, the parts added in order.
float dot_float(DType dtype, const std::byte* row, int64_t cols, const float* x) {
  float total = 0;
  for (int64_t k0 = 0; k0 < cols; k0 += kSuperBlock) {
    float part = 0;
    for (int64_t k = k0; k < std::min<int64_t>(cols, k0 + kSuperBlock); ++k) {
      const float w = is_float(dtype) ? float_weight(dtype, row, k) : quant_weight(dtype, row, k);
      part = std::fma(w, x[k], part);
    }
    total += part;
  }
  return total;
}

struct QuantizedBlock {
  int8_t q[kBlock];
  float d[2];  // equal where a block of 32 of x has one scale
  int32_t sum[2];
};

QuantizedBlock quantize_32(const float* x, int input_block) {
  QuantizedBlock out;
  for (int half = 0; half < 2; ++half) {
    if (input_block == 16) {
      quantize_block(x + 16 * half, 16, out.q + 16 * half, out.d[half]);
    }
  }
  if (input_block == 32) {
    quantize_block(x, 32, out.q, out.d[0]);
    out.d[1] = out.d[0];
  }
  for (int half = 0; half < 2; ++half) {
    out.sum[half] = 0;
    for (int i = 0; i < 16; ++i) out.sum[half] += out.q[16 * half + i];
  }
  return out;
}

// A row of x with an infinity or NaN in it must not become a plausible number.
QuantizedBlock poisoned() {
  QuantizedBlock out{};
  out.d[0] = out.d[1] = NAN;
  return out;
}

int32_t dot_16(const uint8_t* codes, int offset, const int8_t* q) {
  int32_t dot = 0;
  for (int i = 0; i < 16; ++i) dot += (static_cast<int32_t>(codes[i]) - offset) * q[i];
  return dot;
}

float dot_quantized(DType dtype, const std::byte* row, int64_t cols, const std::vector<QuantizedBlock>& x) {
  const QuantTraits traits = quant_traits(dtype);
  float acc = 0;
  for (int64_t b = 0; b < cols / kBlock; ++b) {
    QuantBlock w;
    read_quant_block(dtype, row, b, w);
    const QuantizedBlock& a = x[static_cast<size_t>(b)];
    const int32_t dot[2] = {dot_16(w.codes, traits.offset, a.q), dot_16(w.codes + 16, traits.offset, a.q + 16)};
    if (traits.input_block == 32) {
      acc = std::fma(static_cast<float>(dot[0] + dot[1]) * w.ws[0], a.d[0], acc);
    } else {
      acc = std::fma(static_cast<float>(dot[0]) * w.ws[0], a.d[0], acc);
      acc = std::fma(static_cast<float>(dot[1]) * w.ws[1], a.d[1], acc);
    }
    if (traits.mins == 1) {
      const float sum = traits.input_block == 32
                            ? a.d[0] * static_cast<float>(a.sum[0] + a.sum[1])
                            : a.d[0] * static_cast<float>(a.sum[0]) + a.d[1] * static_cast<float>(a.sum[1]);
      acc = std::fma(w.wm[0], sum, acc);
    } else if (traits.mins == 2) {
      acc = std::fma(w.wm[0], a.d[0] * static_cast<float>(a.sum[0]), acc);
      acc = std::fma(w.wm[1], a.d[1] * static_cast<float>(a.sum[1]), acc);
    }
  }
  return acc;
}

}  // namespace

void quantize_block(const float* x, int n, int8_t* q, float& d) {
  float largest = 0;
  for (int i = 0; i < n; ++i) largest = std::fabs(x[i]) > largest ? std::fabs(x[i]) : largest;
  if (!(largest >= kSmallestInput)) {
    d = 0;
    for (int i = 0; i < n; ++i) q[i] = 0;
    return;
  }
  d = largest / 127.0f;
  const float inverse = 127.0f / largest;
  for (int i = 0; i < n; ++i) q[i] = static_cast<int8_t>(std::rint(x[i] * inverse));
}

namespace {

void matmul_refined(DType dtype, const std::byte* stored, int64_t rows, int64_t cols, const float* x, int64_t M,
                    float* y) {
  const int block = quant_traits(dtype).input_block;
  std::vector<float> rest(static_cast<size_t>(M * cols)), y2(static_cast<size_t>(M * rows));
  for (int64_t k = 0; k < M * cols; k += block) {
    int8_t q[kBlock];
    float d;
    quantize_block(x + k, block, q, d);
    for (int i = 0; i < block; ++i) rest[static_cast<size_t>(k + i)] = std::fma(-d, static_cast<float>(q[i]), x[k + i]);
  }
  matmul(Arithmetic::quantized, dtype, stored, rows, cols, x, M, y);
  matmul(Arithmetic::quantized, dtype, stored, rows, cols, rest.data(), M, y2.data());
  for (size_t i = 0; i < y2.size(); ++i) y[i] += y2[i];
}

}  // namespace

void matmul(Arithmetic arithmetic, DType dtype, const std::byte* stored, int64_t rows, int64_t cols, const float* x,
            int64_t M, float* y) {
  if (arithmetic == Arithmetic::refined && !is_float(dtype)) return matmul_refined(dtype, stored, rows, cols, x, M, y);
  const auto stride = static_cast<int64_t>(row_bytes(dtype, static_cast<uint64_t>(cols)));
  const bool quantized = arithmetic == Arithmetic::quantized && !is_float(dtype);
  for (int64_t m = 0; m < M; ++m) {
    std::vector<QuantizedBlock> blocks;
    bool finite = true;
    for (int64_t k = 0; k < cols; ++k) finite = finite && std::isfinite(x[m * cols + k]);
    for (int64_t b = 0; quantized && b < cols / kBlock; ++b) {
      blocks.push_back(finite ? quantize_32(x + m * cols + b * kBlock, quant_traits(dtype).input_block) : poisoned());
    }
    for (int64_t r = 0; r < rows; ++r) {
      const std::byte* row = stored + r * stride;
      y[m * rows + r] = quantized ? dot_quantized(dtype, row, cols, blocks) : dot_float(dtype, row, cols, x + m * cols);
    }
  }
}

}  // namespace mang::reference
