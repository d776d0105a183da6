// Receipts of answers, made by the engine on a tiny checkpoint, and their check on any device.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "engine/engine.h"
#include "engine/receipt.h"
#include "engine/receipt_check.h"
#include "kernels/isa.h"
#include "load/load_model.h"
#include "support/golden.h"
#include "text/tokenizer.h"

namespace mang {

// A checkpoint loaded for an instruction set and a number of threads.
struct Bench {
  Bench(const std::string& path, Isa isa, int threads_) : threads(threads_), device(threads, isa) {
    LoadedModel loaded = load_model(path, device).value();
    model = std::move(loaded.model);
    tokenizer = std::make_unique<Tokenizer>(Tokenizer::build(std::move(loaded.text.tokenizer)).value());
  }

  ThreadPool threads;
  Device device;
  std::unique_ptr<Model> model;
  std::unique_ptr<Tokenizer> tokenizer;
};

// Asks what a receipt says was asked, and fills in what is answered.
inline void answer_into(Bench& bench, Receipt& receipt, int64_t kv_blocks = 0) {
  EngineOptions options;
  options.context = receipt.context;
  options.kv_blocks = kv_blocks;
  options.kv_type = receipt.kv_type;
  options.arithmetic = receipt.arithmetic;
  auto engine = Engine::create(*bench.model, bench.device, bench.tokenizer.get(), options).value();
  Request request;
  request.prompt = receipt.prompt;
  request.sampling = receipt.sampling;
  request.show_special = receipt.special;
  const Answer answer = complete(*engine, std::move(request)).value();
  receipt.answer = answer.ids;
  receipt.text = answer.text;
  receipt.finish_reason = answer.done.reason;
  receipt.stop_token = answer.done.stop_token;
  receipt.stop_string = answer.done.stop_string;
}

inline Receipt blank_receipt(int64_t context = 512) {
  Receipt receipt;
  receipt.program = "mang test";
  receipt.model = "tiny";
  receipt.architecture = "tiny";
  receipt.weights = {{"model.gguf", 171520, std::string(64, 'a')}};
  receipt.tokenizer = std::string(64, 'b');
  receipt.context = context;
  return receipt;
}

// The receipt as its reader has it; the digest is that of whoever wrote it.
inline Receipt reread(const Receipt& receipt) {
  const Result<ReceiptFile> file = read_receipt(receipt_text(receipt), "receipt");
  REQUIRE_MESSAGE(file.ok(), file.error().message);
  REQUIRE(file->digest_fits);
  return file->receipt;
}

inline Result<ReceiptCheck> check_on(Bench& bench, const Receipt& receipt, size_t logits_bytes = 64 * kMiB) {
  return check_receipt(*bench.model, bench.device, bench.tokenizer.get(), receipt, {.logits_bytes = logits_bytes});
}

inline bool accepted(Bench& bench, const Receipt& receipt) {
  const Result<ReceiptCheck> check = check_on(bench, receipt);
  return check.ok() && check->same();
}

}  // namespace mang
