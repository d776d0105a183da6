// A receipt: everything that determines an answer, and the answer, so that anyone who has the model can check it
// (engine/receipt_check.h). What it claims: this model, asked this with these parameters, gives exactly these tokens
// and ends where it says. It names no machine and no time: the same answer has the same receipt, byte for byte.
//
// The file is JSON, described in docs/receipts.md. Its digest finds what was changed by accident or by a careless hand;
// whoever means to deceive makes a new one, so that nothing rests on it: the check computes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/sampling_params.h"
#include "kernels/arithmetic_version.h"
#include "kernels/attention.h"
#include "kernels/matmul.h"

namespace mang {

inline constexpr int kReceiptVersion = 1;
inline constexpr size_t kReceiptMaxBytes = 32 * kMiB;  // of the file
inline constexpr size_t kReceiptMaxFiles = 8192;       // that a model consists of

struct Receipt {
  // A file of the model, by content: its name is for people.
  struct File {
    std::string name;
    uint64_t bytes = 0;
    std::string sha256;
  };

  std::string program;  // who wrote it: "mang 0.1.0"; for people

  std::string model;          // as the user named it; for people, and to find it by
  std::string architecture;   // for people
  std::vector<File> weights;  // all files that the weights and their meaning are in, in order
  std::string tokenizer;      // digest of what makes the tokenizer (load/model_identity.h)
  std::string chat_template;  // digest of its text; empty: none was used

  int arithmetic_version = kArithmeticVersion;
  Arithmetic arithmetic = Arithmetic::quantized;  // or exact
  KvType kv_type = KvType::f16;
  int64_t context = 0;  // tokens: an answer ends when prompt and answer fill it

  // What the ids of the prompt were made of. The engine does not look into it; null: only the ids are claimed.
  Json source;
  std::vector<int32_t> prompt;

  SamplingParams sampling;  // without logprobs, which change nothing
  bool special = false;     // control tokens are part of the text, as Request::show_special

  std::vector<int32_t> answer;
  std::string text;  // what the answer's ids say, up to the stop string
  FinishReason finish_reason = FinishReason::error;
  std::optional<int32_t> stop_token;
  std::string stop_string;  // empty: none
};

// The file, with its digest. Texts must be UTF-8.
std::string receipt_text(const Receipt& receipt);
// SHA-256 of the receipt's members without the digest, as one line of JSON without white space.
std::string receipt_digest(const Receipt& receipt);

struct ReceiptFile {
  Receipt receipt;
  bool digest_fits = false;
};
// `what` names the source in errors. Everything is looked at before it is used: size, depth, types and ranges of all
// members, members that do not belong there. Ids are 0 or more; whether a model has them is for the check.
Result<ReceiptFile> read_receipt(std::string_view text, std::string_view what);

}  // namespace mang
