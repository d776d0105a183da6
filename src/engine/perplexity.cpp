#include "engine/perplexity.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "engine/collect_logits.h"
#include "engine/sampler.h"
#include "kernels/math.h"

namespace mang {

namespace {

// One window of the text: tokens [begin, end) are read, and those from `scored_from` on are scored, each by the logits
// of the token before it.
struct Window {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t scored_from = 0;
};

std::vector<Window> cut_windows(int64_t length, const PerplexityOptions& options) {
  const int64_t n = options.context;
  std::vector<Window> windows;
  if (options.stride == 0) {
    for (int64_t begin = 0; begin + n <= length; begin += n) windows.push_back({begin, begin + n, begin + n / 2 + 1});
  } else {
    int64_t scored_to = 1;  // nothing comes before the first token
    for (int64_t begin = 0; scored_to < length; begin += options.stride) {
      const int64_t end = std::min(begin + n, length);
      windows.push_back({begin, end, scored_to});
      scored_to = end;
    }
  }
  if (options.max_windows > 0 && static_cast<int64_t>(windows.size()) > options.max_windows) {
    windows.resize(static_cast<size_t>(options.max_windows));
  }
  return windows;
}

Result<void> check(const PerplexityOptions& options, const ModelInfo& info) {
  if (options.context < 2 || options.context > info.context) {
    return fail("Windows of {} tokens were asked for; they must have from 2 to {} (the model's context).",
                options.context, info.context);
  }
  // With a longer stride, some tokens would be in no window.
  if (options.stride < 0 || options.stride >= options.context) {
    return fail("The stride is {}; it must be from 1 to {} (one less than a window), or 0 for windows side by side.",
                options.stride, options.context - 1);
  }
  if (options.chunk < 1) return fail("The chunk is {}; it must be 1 or more.", options.chunk);
  if (options.bos && (*options.bos < 0 || *options.bos >= info.vocab)) {
    return fail("The beginning-of-sequence token {} does not exist in this model.", *options.bos);
  }
  return {};
}

// Negative log-likelihoods, summed in the order of the text.
struct Score {
  int64_t count = 0;
  double sum = 0;
  double squares = 0;

  void add(double nll) {
    ++count;
    sum += nll;
    squares += nll * nll;
  }
};

// −log p(ids[i + 1] | ids[0 … i]) for rows i of `rows`, first ≤ i < first + count, where i + 1 is scored.
Result<void> score_rows(const Device& device, std::span<const int32_t> ids, int64_t scored_from, int64_t vocab,
                        int64_t first, int64_t count, const float* rows, Score& score) {
  const int64_t begin = std::max(first, scored_from - 1);
  const int64_t end = std::min(first + count, static_cast<int64_t>(ids.size()) - 1);
  if (begin >= end) return {};
  std::vector<double> nll(static_cast<size_t>(end - begin));
  device.run(end - begin, [&](int64_t k, int) {
    const float* row = rows + (begin + k - first) * vocab;
    const int32_t next = ids[static_cast<size_t>(begin + k + 1)];
    nll[static_cast<size_t>(k)] = log_sum_exp(device, {row, static_cast<size_t>(vocab)}) - row[next];
  });
  for (size_t k = 0; k < nll.size(); ++k) {
    if (!std::isfinite(nll[k])) {
      return fail(
          "The model gave no probability for token {} of the window: its weights are damaged, or the text holds a "
          "token it never writes.",
          begin + static_cast<int64_t>(k) + 1);
    }
    score.add(nll[k]);
  }
  return {};
}

PerplexityResult summarize(int64_t windows, const Score& score, double seconds) {
  PerplexityResult result;
  result.windows = windows;
  result.scored_tokens = score.count;
  result.seconds = seconds;
  if (score.count == 0) return result;
  const auto n = static_cast<double>(score.count);
  result.mean_nll = score.sum / n;
  if (score.count > 1) {
    const double variance = std::max(score.squares / n - result.mean_nll * result.mean_nll, 0.0);
    result.standard_error = std::sqrt(variance / (n - 1));
  }
  result.perplexity = exp_f64(result.mean_nll);
  result.perplexity_error = result.perplexity * result.standard_error;
  return result;
}

}  // namespace

Result<PerplexityResult> perplexity(Model& model, const Device& device, std::span<const int32_t> text,
                                    const PerplexityOptions& options, const PerplexityProgress& progress) {
  MANG_TRY(check(options, model.info()));
  std::vector<int32_t> ids(text.begin(), text.end());
  if (options.bos && options.stride > 0) ids.insert(ids.begin(), *options.bos);
  MANG_TRY(check_ids(ids, model.info().vocab));
  const std::vector<Window> windows = cut_windows(static_cast<int64_t>(ids.size()), options);
  if (windows.empty()) {
    return fail(
        "The text has {} tokens; at least {} are needed for one window. Use a longer text or a smaller context.",
        text.size(), options.stride == 0 ? options.context : 2);
  }

  MANG_TRY(LogitsCollector collector,
           LogitsCollector::create(model, device, options.arithmetic, options.kv_type, options.context, options.chunk));
  const auto start = std::chrono::steady_clock::now();
  Score score;
  PerplexityResult result;
  for (size_t w = 0; w < windows.size(); ++w) {
    const Window& window = windows[w];
    std::vector<int32_t> read(ids.begin() + window.begin, ids.begin() + window.end);
    if (options.bos && options.stride == 0) read[0] = *options.bos;
    const int64_t scored_from = window.scored_from - window.begin;
    MANG_TRY(collector.run(read, scored_from - 1, [&](int64_t first, int64_t count, const float* rows) -> Result<void> {
      if (options.cancel != nullptr && options.cancel->load()) return fail("Cancelled.");
      return score_rows(device, read, scored_from, model.info().vocab, first, count, rows, score);
    }));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    result = summarize(static_cast<int64_t>(w) + 1, score, seconds.count());
    if (progress) progress(result, static_cast<int64_t>(windows.size()));
  }
  return result;
}

}  // namespace mang
