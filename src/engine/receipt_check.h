// Is a receipt true? The prompt and the answer are read in one go, as a prompt is, and each token of the answer is
// drawn again from the logits at its place by the same sampler with the same seed. Nothing the receipt says is
// believed: not its digest, not where it ends, not its text.
//
//   MANG_TRY(const ReceiptCheck check, check_receipt(model, device, &tokenizer, receipt, {}));
//   if (check.same()) …
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "base/result.h"
#include "engine/receipt.h"
#include "kernels/device.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace mang {

// The first token of the answer that the model does not give.
struct TokenDifference {
  int64_t index = 0;    // in the answer; its length: the token that ended it
  int32_t claimed = 0;  // by the receipt
  int32_t drawn = 0;    // by the model
};

struct ReceiptCheck {
  int64_t drawn_tokens = 0;  // drawn again, the one that ended the answer included
  std::optional<TokenDifference> token;
  std::optional<Error> end;  // how the answer does not end, or what it does not say, as the receipt claims
  double prompt_seconds = 0;
  double answer_seconds = 0;

  [[nodiscard]] bool same() const { return !token && !end; }
};

struct ReceiptCheckOptions {
  size_t logits_bytes = 64 * kMiB;                           // memory for logits, about: at least 16 rows
  std::function<void(int64_t tokens, int64_t of)> progress;  // after each forward
  const std::atomic<bool>* cancel = nullptr;
};

// model and tokenizer are those the receipt names: comparing digests is the caller's. tokenizer may be null where the
// engine that answered had none. Errors, where nothing can be said about the answer: another arithmetic, a context, ids
// or a KV type the model does not have, logits nothing can be drawn from, no memory, cancelled.
Result<ReceiptCheck> check_receipt(Model& model, const Device& device, const Tokenizer* tokenizer,
                                   const Receipt& receipt, const ReceiptCheckOptions& options);

// Fills in what the answer's ids say: Receipt::text.
std::string answer_text(const Receipt& receipt, const Tokenizer* tokenizer);

}  // namespace mang
