#include "cli/receipts.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/units.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/progress.h"
#include "cli/receipt_prompt.h"
#include "cli/stored.h"
#include "cli/version.h"
#include "engine/receipt_check.h"
#include "hub/durable.h"
#include "load/model_files.h"
#include "load/model_identity.h"

namespace mang::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLongRead = 256 * kMiB;  // shorter ones are read in a moment

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A path says where a model is on this machine, which is nobody else's matter: its last part is its name.
std::string shown_name(const std::string& model, const Context& context) {
  if (classify(model, context.catalog) != RefKind::path) return model;
  const fs::path path = fs::path(model).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// Sizes alone tell most models apart, without reading them.
bool sizes_fit(const Receipt& receipt, const std::vector<std::string>& files) {
  if (files.size() != receipt.weights.size()) return false;
  for (size_t i = 0; i < files.size(); ++i) {
    std::error_code error;
    if (fs::file_size(files[i], error) != receipt.weights[i].bytes || error) return false;
  }
  return true;
}

Result<bool> is_model_of(const Receipt& receipt, const std::string& path, const Context& context) {
  const Result<ModelFiles> files = ModelFiles::open(path);
  if (!files.ok()) return false;
  const auto weights = weight_files(*files);
  if (!weights.ok() || !sizes_fit(receipt, *weights)) return false;
  const Result<ModelFacts> facts = model_facts(path, context);
  if (!facts.ok() && context.interrupted.load()) return facts.error();
  return facts.ok() && same_files(facts->weights, receipt.weights);
}

}  // namespace

Result<ModelFacts> model_facts(const std::string& path, const Context& context) {
  MANG_TRY(const ModelFiles files, ModelFiles::open(path));
  MANG_TRY(const std::vector<std::string> weights, weight_files(files));
  const DigestCache cache = digest_cache(context.environment);
  ModelFacts out;
  const WatchInterrupts watch;
  std::optional<StatusLine> status;
  for (const std::string& file : weights) {
    const std::string name = fs::path(file).filename().string();
    std::error_code ignored;
    const bool is_long = fs::file_size(file, ignored) >= kLongRead;
    MANG_TRY(const DigestCache::Digested digested, cache.digest(file, [&](uint64_t) {
      if (is_long && !status) status.emplace(say("Reading {} once for its digest …", name));
      return !context.interrupted.load(std::memory_order_relaxed);
    }));
    out.weights.push_back({name, digested.bytes, digested.sha256});
    out.changed_ns = std::max(out.changed_ns, digested.changed_ns);
  }
  MANG_TRY(out.tokenizer, tokenizer_digest(files));
  return out;
}

bool same_files(const std::vector<Receipt::File>& a, const std::vector<Receipt::File>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Receipt::File& x, const Receipt::File& y) {
    return x.bytes == y.bytes && x.sha256 == y.sha256;
  });
}

Result<void> check_receipt_path(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || fs::is_directory(path, ignored)) {
    return Error{say("{}: the name of a file was expected for the receipt, such as answer.json.", path)};
  }
  const std::string parent = fs::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  if (!fs::is_directory(folder, ignored)) {
    return Error{say("{}: there is no folder {} to write the receipt into. Make it first.", path, folder)};
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    return Error{say("{}: you may not write into the folder {}. Choose another for the receipt.", path, folder)};
  }
  return {};
}

Result<void> write_receipt(const std::string& path, AnswerRecord& record, const Answerer& answerer,
                           const std::string& model, const Context& context) {
  const auto start = std::chrono::steady_clock::now();
  const LoadedModel& loaded = answerer.loaded();
  MANG_TRY(const ModelFacts facts, model_facts(loaded.description.path, context));
  const double digest_seconds = seconds_since(start);
  if (facts.changed_ns > answerer.opened_ns()) {
    return Error{say("{}: was changed after it was loaded, so that no receipt can say which model answered.",
                     loaded.description.path)};
  }
  Receipt receipt;
  receipt.program = std::string("mang ") + kVersion;
  receipt.model = shown_name(model, context);
  receipt.architecture = loaded.model->info().architecture;
  receipt.weights = facts.weights;
  receipt.tokenizer = facts.tokenizer;
  if (is_chat(record.source)) {
    if (const NamedTemplate* page = choose_template(loaded.text.templates, false)) {
      receipt.chat_template = template_digest(*page);
    }
  }
  const EngineOptions& engine = answerer.engine().options();
  receipt.arithmetic = engine.arithmetic;
  receipt.kv_type = engine.kv_type;
  receipt.context = answerer.engine().context();
  receipt.source = record.source;
  receipt.prompt = record.prompt;
  receipt.sampling = record.sampling;
  receipt.special = answerer.special();
  receipt.answer = record.ids;
  receipt.finish_reason = record.done.reason;
  receipt.stop_token = record.done.stop_token;
  receipt.stop_string = record.done.stop_string;
  receipt.text = answer_text(receipt, &answerer.tokenizer());
  const std::string text = receipt_text(receipt);
  if (text.size() > kReceiptMaxBytes) {
    return Error{say("the receipt would have {} bytes; at most {} are allowed. Ask with a shorter prompt.", text.size(),
                     kReceiptMaxBytes)};
  }
  MANG_TRY(write_file_atomically(path, text));
  record.receipt = ReceiptNote{path, seconds_since(start), digest_seconds};
  return {};
}

Result<std::optional<std::string>> find_receipt_model(const Receipt& receipt, const Context& context) {
  uint64_t bytes = 0;
  for (const Receipt::File& file : receipt.weights) bytes += std::min(file.bytes, UINT64_MAX - bytes);
  std::vector<std::string> candidates = digest_cache(context.environment).paths_of(receipt.weights.front().sha256);
  for (std::string& path : candidates) {
    if (fs::path(path).filename() == "config.json") path = fs::path(path).parent_path().string();
  }
  if (const auto stored = Stored::of(context); stored.ok()) {
    for (const StoredModel& model : list_models(context.catalog, stored->store, stored->cache, stored->by_address)) {
      if (model.bytes >= bytes) candidates.push_back(model.path);
    }
  }
  for (const std::string& path : candidates) {
    MANG_TRY(const bool found, is_model_of(receipt, path, context));
    if (found) return std::optional(path);
  }
  return std::optional<std::string>();
}

}  // namespace mang::cli
