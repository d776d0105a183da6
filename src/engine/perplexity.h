// Perplexity of a text under a model.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/result.h"
#include "kernels/device.h"
#include "model/model.h"

namespace mang {

struct PerplexityOptions {
  int64_t context = 512;  // tokens of a window
  // 0: the text is cut into windows that do not overlap and the second half of each is scored, as llama.cpp's
  // perplexity tool does. Else windows start every `stride` tokens and each scores the tokens that no window before it
  // scored (Hugging Face's sliding window); 1 ≤ stride < context.
  int64_t stride = 0;
  int64_t max_windows = 0;     // 0: all
  std::optional<int32_t> bos;  // replaces the first token of each window (stride 0), or starts the text
  int64_t chunk = 512;         // tokens in one forward; the result does not depend on it
  Arithmetic arithmetic = Arithmetic::quantized;
  KvType kv_type = KvType::f16;
  const std::atomic<bool>* cancel = nullptr;
};

struct PerplexityResult {
  int64_t windows = 0;
  int64_t scored_tokens = 0;
  double mean_nll = 0;          // nats a token
  double standard_error = 0;    // of mean_nll
  double perplexity = 0;        // exp(mean_nll)
  double perplexity_error = 0;  // perplexity · standard_error
  double seconds = 0;
};

// progress, if given, is called after each window with the result so far and the number of windows there will be.
// Errors: too few tokens for one window, an id outside the vocabulary, a window longer than the model's context, logits
// that are no distribution, cancelled.
using PerplexityProgress = std::function<void(const PerplexityResult&, int64_t windows)>;
Result<PerplexityResult> perplexity(Model& model, const Device& device, std::span<const int32_t> ids,
                                    const PerplexityOptions& options, const PerplexityProgress& progress = {});

}  // namespace mang
