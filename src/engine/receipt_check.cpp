#include "engine/receipt_check.h"

#include <algorithm>
#include <chrono>

#include "engine/collect_logits.h"
#include "engine/sampler.h"
#include "engine/stop_matcher.h"

namespace mang {

namespace {

constexpr int64_t kSilentChunk = 512;  // tokens of the prompt in one forward
// Rows of logits at a time: enough for the products to run at full speed, few enough that the memory is soon used
// again.
constexpr int64_t kLeastRows = 16, kMostRows = 128;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// How an answer of these tokens ends: the engine's rules (Engine::State::take_token and finish), written down a second
// time so that the one may be held against the other.
struct Ending {
  size_t tokens = 0;                   // of the answer, up to its end
  std::optional<FinishReason> reason;  // nullopt: nothing ends it there
  bool by_stop_token = false;          // the receipt's, after all tokens
  std::string text;
  std::string stop_string;
};

class EndRules {
 public:
  EndRules(const Receipt& receipt, const Tokenizer* tokenizer) : receipt_(receipt), tokenizer_(tokenizer) {}

  [[nodiscard]] bool is_stop(int32_t id) const {
    const SamplingParams& params = receipt_.sampling;
    if (std::find(params.stop_ids.begin(), params.stop_ids.end(), id) != params.stop_ids.end()) return true;
    return tokenizer_ != nullptr && !params.ignore_eog && tokenizer_->is_eog(id);
  }

  [[nodiscard]] Ending ending() const {
    Ending out;
    StopMatcher stops(receipt_.sampling.stop);
    std::optional<Detokenizer> text;
    if (tokenizer_ != nullptr) text.emplace(*tokenizer_, !receipt_.special);
    if (receipt_.sampling.max_tokens == 0) out.reason = FinishReason::max_tokens;
    while (!out.reason && out.tokens < receipt_.answer.size()) {
      const int32_t id = receipt_.answer[out.tokens];
      if (is_stop(id)) {
        out.reason = FinishReason::stop_token;
        break;
      }
      ++out.tokens;
      if (text) out.text += stops.feed(text->feed(id));
      out.reason = reason_after(static_cast<int64_t>(out.tokens), stops);
    }
    out.by_stop_token = !out.reason && receipt_.stop_token && is_stop(*receipt_.stop_token);
    if (out.by_stop_token) out.reason = FinishReason::stop_token;
    if (text) out.text += stops.feed(text->finish());
    if (const std::string* found = stops.matched(); found != nullptr) {
      if (out.reason) out.reason = FinishReason::stop_string;
      out.stop_string = *found;
    } else {
      out.text += stops.finish();
    }
    return out;
  }

 private:
  [[nodiscard]] std::optional<FinishReason> reason_after(int64_t tokens, const StopMatcher& stops) const {
    if (stops.matched() != nullptr) return FinishReason::stop_string;
    if (receipt_.sampling.max_tokens == tokens) return FinishReason::max_tokens;
    if (static_cast<int64_t>(receipt_.prompt.size()) + tokens >= receipt_.context) return FinishReason::context_full;
    return std::nullopt;
  }

  const Receipt& receipt_;
  const Tokenizer* tokenizer_;
};

// finish_reason_name, in a sentence that may be translated.
Error words_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop_token:
      return fail("stop token");
    case FinishReason::stop_string:
      return fail("stop string");
    case FinishReason::max_tokens:
      return fail("max tokens");
    case FinishReason::context_full:
      return fail("context full");
    case FinishReason::cancelled:
      return fail("cancelled");
    case FinishReason::error:
      break;
  }
  return fail("error");
}

// What the receipt says about the answer's end and text and is not so; needs no model.
std::optional<Error> wrong_end(const Receipt& receipt, const Tokenizer* tokenizer) {
  const EndRules rules(receipt, tokenizer);
  const Ending is = rules.ending();
  if (is.tokens < receipt.answer.size()) {
    return fail("The answer ends after {} tokens ({}), but the receipt goes on.", is.tokens, words_of(*is.reason));
  }
  if (receipt.stop_token && !rules.is_stop(*receipt.stop_token)) {
    return fail("Token {} does not end an answer, as the receipt says.", *receipt.stop_token);
  }
  if (!is.reason && receipt.finish_reason != FinishReason::cancelled) {
    return fail("Nothing ends the answer after {} tokens; the receipt says: {}.", is.tokens,
                words_of(receipt.finish_reason));
  }
  if (receipt.stop_token && !is.by_stop_token) {
    return fail("The answer ends ({}) before the token that the receipt says ended it.", words_of(*is.reason));
  }
  if (is.reason && *is.reason != receipt.finish_reason) {
    return fail("The answer ends by another rule ({}) than the receipt says ({}).", words_of(*is.reason),
                words_of(receipt.finish_reason));
  }
  if (is.stop_string != receipt.stop_string) return fail("The stop string that ended the answer is another one.");
  if (is.text != receipt.text) return fail("The text of the answer is not what its tokens say.");
  return std::nullopt;
}

Result<void> check_fits(const Receipt& receipt, const ModelInfo& info) {
  if (receipt.arithmetic_version != kArithmeticVersion) {
    return fail(
        "The answer was computed by version {} of the arithmetic; this program computes version {}. A release of Măng "
        "with that version can check it.",
        receipt.arithmetic_version, kArithmeticVersion);
  }
  if (receipt.context > info.context) {
    return fail("The receipt names a context of {} tokens; this model reads at most {}.", receipt.context,
                info.context);
  }
  const auto tokens = static_cast<int64_t>(receipt.prompt.size() + receipt.answer.size());
  if (tokens > receipt.context) {
    return fail("There are {} tokens, but the receipt's context holds {}.", tokens, receipt.context);
  }
  MANG_TRY(validate(receipt.sampling, info.vocab));
  MANG_TRY(check_ids(receipt.prompt, info.vocab));
  MANG_TRY(check_ids(receipt.answer, info.vocab));
  if (receipt.stop_token) MANG_TRY(check_ids({&*receipt.stop_token, 1}, info.vocab));
  return {};
}

// Draws the tokens of the answer again, rows of logits at a time.
class Redraw {
 public:
  Redraw(const Device& device, const Receipt& receipt, int64_t vocab)
      : device_(device), vocab_(vocab), claimed_(receipt.answer), sampler_(receipt.sampling, vocab) {
    if (receipt.stop_token) claimed_.push_back(*receipt.stop_token);
    sampler_.accept_prompt(receipt.prompt);
    prompt_ = static_cast<int64_t>(receipt.prompt.size());
  }

  [[nodiscard]] int64_t tokens() const { return static_cast<int64_t>(claimed_.size()); }
  [[nodiscard]] int64_t done() const { return done_; }

  // rows [count, vocab]: the logits that the next `count` tokens were drawn from. A sampler goes through the tokens in
  // order, so each thread has a stretch of them and a sampler that was told all before it.
  Result<std::optional<TokenDifference>> draw(int64_t count, float* rows) {
    const int64_t parts = std::min<int64_t>(count, device_.threads());
    std::vector<std::optional<Result<SampledToken>>> drawn(static_cast<size_t>(count));
    device_.run(parts, [&](int64_t part, int) {
      Sampler sampler = sampler_;
      const int64_t begin = count * part / parts, end = count * (part + 1) / parts;
      for (int64_t i = 0; i < end; ++i) {
        if (i >= begin) {
          const std::span<float> row(rows + i * vocab_, static_cast<size_t>(vocab_));
          drawn[static_cast<size_t>(i)].emplace(sampler.sample(device_, row, prompt_ + done_ + i));
        }
        sampler.accept(claimed_[static_cast<size_t>(done_ + i)]);
      }
    });
    for (const auto& token : drawn) {
      MANG_TRY(const SampledToken& sampled, *token);
      const int32_t claimed = claimed_[static_cast<size_t>(done_)];
      if (sampled.id != claimed) return std::optional(TokenDifference{done_, claimed, sampled.id});
      sampler_.accept(claimed);
      ++done_;
    }
    return std::optional<TokenDifference>();
  }

 private:
  const Device& device_;
  int64_t vocab_;
  std::vector<int32_t> claimed_;  // the answer, and the token that ended it
  Sampler sampler_;
  int64_t prompt_ = 0;
  int64_t done_ = 0;
};

}  // namespace

std::string answer_text(const Receipt& receipt, const Tokenizer* tokenizer) {
  return EndRules(receipt, tokenizer).ending().text;
}

Result<ReceiptCheck> check_receipt(Model& model, const Device& device, const Tokenizer* tokenizer,
                                   const Receipt& receipt, const ReceiptCheckOptions& options) {
  const ModelInfo& info = model.info();
  MANG_TRY(check_fits(receipt, info));
  ReceiptCheck out;
  out.end = wrong_end(receipt, tokenizer);
  Redraw redraw(device, receipt, info.vocab);
  if (redraw.tokens() == 0) return out;

  // The row of a token gives the next one: those of the prompt's last token and of all but the last that was drawn.
  std::vector<int32_t> ids = receipt.prompt;
  const auto first_row = static_cast<int64_t>(ids.size()) - 1;
  ids.insert(ids.end(), receipt.answer.begin(), receipt.answer.end());
  ids.resize(static_cast<size_t>(first_row + redraw.tokens()));
  const auto total = static_cast<int64_t>(ids.size());

  const auto row_bytes = static_cast<int64_t>(sizeof(float)) * info.vocab;
  const int64_t rows = std::clamp(static_cast<int64_t>(options.logits_bytes) / row_bytes, kLeastRows, kMostRows);
  MANG_TRY(LogitsCollector collector, LogitsCollector::create(model, device, receipt.arithmetic, receipt.kv_type, total,
                                                              std::min(rows, redraw.tokens())));
  collector.set_silent_chunk(kSilentChunk);

  const auto start = std::chrono::steady_clock::now();
  bool stopped = false;
  const Result<void> read = collector.run(
      ids, first_row,
      [&](int64_t, int64_t count, float* logits) -> Result<void> {
        MANG_TRY(out.token, redraw.draw(count, logits));
        return {};
      },
      [&](int64_t tokens) -> Result<void> {
        if (tokens <= first_row) out.prompt_seconds = seconds_since(start);
        if (options.progress) options.progress(tokens, total);
        stopped = options.cancel != nullptr && options.cancel->load();
        if (stopped || out.token) return fail("Cancelled.");
        return {};
      });
  if (!read.ok() && (stopped || !out.token)) return read.error();
  out.answer_seconds = seconds_since(start) - out.prompt_seconds;
  out.drawn_tokens = redraw.done() + (out.token ? 1 : 0);
  return out;
}

}  // namespace mang
