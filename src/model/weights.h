// Where an architecture's canonical weights come from. It names each tensor in both formats and says the shape it must
// have; what comes back no longer tells which format it was. Implemented by load/ (and by tests).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/matmul.h"

namespace mang {

// A tensor's names without ".weight" or ".bias": config.json checkpoints and GGUF files.
struct TensorName {
  std::string hf;
  std::string gguf;
};

// The name of a layer's tensor: {"self_attn.q_proj", "attn_q"} → {"model.layers.3.self_attn.q_proj", "blk.3.attn_q"}.
inline TensorName in_layer(int64_t layer, const TensorName& name) {
  return {fmt::format("model.layers.{}.{}", layer, name.hf), fmt::format("blk.{}.{}", layer, name.gguf)};
}

// y = x · weightᵀ + bias.
struct Linear {
  PackedMatrix weight;      // [out, in]
  std::vector<float> bias;  // [out]; empty: none
};

// Whether a linear layer has a bias. `by_file`: a GGUF file says so by having the tensor.
enum class Bias { none, required, by_file };

// Rows of a projection that is rotated: GGUF files of some architectures store each head's rows so that neighbours form
// a rotary pair (0, 1), (2, 3), …; canonical order pairs i with i + rotary_dim / 2.
struct InterleavedRows {
  int64_t heads = 0;
  int64_t head_dim = 0;
  int64_t rotary_dim = 0;
};

// The matrices of all experts of a layer. A checkpoint has one tensor for each, "<name.hf>.<e>.<hf_part>"; a GGUF file
// has them stacked in one, name.gguf.
struct ExpertsName {
  TensorName name;
  std::string hf_part;
};

class WeightSource {
 public:
  virtual ~WeightSource() = default;

  [[nodiscard]] virtual bool is_gguf() const = 0;

  // Whether NAME.weight is there.
  [[nodiscard]] virtual bool has(const TensorName& name) const = 0;

  // NAME.weight [rows, cols], packed, of any type this program multiplies with.
  virtual Result<PackedMatrix> matrix(const TensorName& name, int64_t rows, int64_t cols) = 0;

  // NAME.weight [rows, cols] and NAME.bias [rows]. gguf_rows: how a GGUF file orders the rows; absent: canonically.
  virtual Result<Linear> linear(const TensorName& name, int64_t rows, int64_t cols, Bias bias,
                                const std::optional<InterleavedRows>& gguf_rows = std::nullopt) = 0;

  // The experts' matrices, `count` of [rows, cols], all of one type.
  virtual Result<std::vector<PackedMatrix>> experts(const ExpertsName& name, int64_t count, int64_t rows,
                                                    int64_t cols) = 0;

  // NAME.weight [n], F32, F16 or BF16. hf_offset is added to what a Hugging Face checkpoint stores (Gemma's norms
  // store w − 1).
  virtual Result<std::vector<float>> vector(const TensorName& name, int64_t n, float hf_offset = 0) = 0;

  // Of all that was handed out so far: stored elements, and bytes in memory.
  [[nodiscard]] virtual uint64_t parameters() const = 0;
  [[nodiscard]] virtual uint64_t packed_bytes() const = 0;

  // Whether both names hold the very same bytes (a head stored beside the embedding it is tied to); NAME.weight is then
  // taken care of. Both must be there.
  virtual Result<bool> same_bytes(const TensorName& name, const TensorName& other) = 0;
};

}  // namespace mang
