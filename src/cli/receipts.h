// Receipts of answers: written after an answer, and the model of one found again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/answer.h"
#include "cli/context.h"
#include "engine/receipt.h"

namespace mang::cli {

// What a receipt says a model is.
struct ModelFacts {
  std::vector<Receipt::File> weights;
  std::string tokenizer;
  int64_t changed_ns = 0;  // the last change of one of its files, since 1970
};
// A large file that was never read for its digest is read now, with a line on the terminal; Ctrl-C stops that.
Result<ModelFacts> model_facts(const std::string& path, const Context& context);
// The same files by content, in the same order.
bool same_files(const std::vector<Receipt::File>& a, const std::vector<Receipt::File>& b);

// Refuses what cannot be written to, before an answer is waited for.
Result<void> check_receipt_path(const std::string& path);

// Writes the receipt of an answer. model: as the user named it. What it took is noted in the record.
Result<void> write_receipt(const std::string& path, AnswerRecord& record, const Answerer& answerer,
                           const std::string& model, const Context& context);

// A model of this machine with the receipt's files: one that had a receipt before, or one that 'mang list' shows.
// Nothing is fetched. nullopt: there is none.
Result<std::optional<std::string>> find_receipt_model(const Receipt& receipt, const Context& context);

}  // namespace mang::cli
