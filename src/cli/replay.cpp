// mang replay: is a receipt true? The answer is read at the speed of a prompt and each of its tokens drawn again.
#include "cli/replay.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/json.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/page.h"
#include "cli/progress.h"
#include "cli/receipt_prompt.h"
#include "cli/receipts.h"
#include "engine/receipt_check.h"
#include "kernels/isa.h"

namespace mang::cli {
namespace {

constexpr int kExitDifferent = 1;
constexpr int kExitCannotCheck = 2;

struct Options {
  std::string receipt, model;
  bool json = false;
  DeviceOptions device;
};

struct Replayed {
  Receipt receipt;
  std::string path;              // of the model
  std::vector<Error> different;  // what is not as the receipt says; empty: all is the same
  ReceiptCheck check;
  std::optional<std::string> claimed, drawn;  // the first token that differs, as text
  std::string machine;
};

// The model to check with: the one that was named, or one here that has the receipt's files. Only a name fetches.
Result<std::string> model_for(const Options& options, const Receipt& receipt, const Context& context) {
  if (!options.model.empty()) {
    MANG_TRY(const ModelRef ref, resolve_model(options.model, context));
    return ref.path;
  }
  MANG_TRY(const std::optional<std::string> found, find_receipt_model(receipt, context));
  if (found) return *found;
  return Error{say("the receipt's model, '{}', is not among those on this machine. Name it: mang replay {} MODEL.",
                   receipt.model, options.receipt)};
}

Result<void> check_identity(const Receipt& receipt, const ModelFacts& facts, const std::string& path) {
  if (!same_files(facts.weights, receipt.weights)) {
    for (size_t i = 0; i < std::min(facts.weights.size(), receipt.weights.size()); ++i) {
      const Receipt::File& ours = facts.weights[i];
      const Receipt::File& theirs = receipt.weights[i];
      if (ours.sha256 == theirs.sha256) continue;
      return Error{say("{} is another model than the receipt's: {} has the digest {}…, and the receipt names {}… ({}).",
                       path, ours.name, ours.sha256.substr(0, 12), theirs.sha256.substr(0, 12), theirs.name)};
    }
    return Error{say("{} is another model than the receipt's: it has {} files, and the receipt names {}.", path,
                     facts.weights.size(), receipt.weights.size())};
  }
  if (facts.tokenizer != receipt.tokenizer) {
    return Error{say("{} has another tokenizer than the receipt's model, though the weights are the same.", path)};
  }
  return {};
}

// A token as a sentence shows it.
std::string token_words(const Tokenizer& tokenizer, int32_t id) {
  const std::string_view text = tokenizer.is_special(id) ? tokenizer.token_text(id) : tokenizer.token_bytes(id);
  return fmt::format("{} '{}'", id, parse_json(dump_json(Json(std::string(text))), "").value().get<std::string>());
}

void note_difference(Replayed& out, const Tokenizer& tokenizer) {
  if (const auto& token = out.check.token) {
    out.claimed = token_words(tokenizer, token->claimed);
    out.drawn = token_words(tokenizer, token->drawn);
    out.different.push_back(Error{say("token {} of the answer: the receipt says {}, the model gives {}.",
                                      token->index + 1, *out.claimed, *out.drawn)});
  }
  if (out.check.end) out.different.push_back(*out.check.end);
}

// "Checking … 1,024 of 2,048 tokens", on one line of a terminal.
class Counter {
 public:
  void show(int64_t tokens, int64_t of) {
    if (::isatty(STDERR_FILENO) != 1) return;
    open_ = true;
    fmt::print(stderr, "\r\033[K{}", say("Checking … {} of {} tokens", tokens, of));
    std::fflush(stderr);
  }
  ~Counter() {
    if (open_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool open_ = false;
};

Result<Replayed> replay(const Options& options, const Context& context) {
  Replayed out;
  MANG_TRY(const std::string text, read_file_or_stdin(options.receipt, kReceiptMaxBytes));
  MANG_TRY(ReceiptFile file, read_receipt(text, options.receipt));
  out.receipt = std::move(file.receipt);
  const Receipt& receipt = out.receipt;
  if (!file.digest_fits) {
    out.different.push_back(Error{tr("the receipt was changed after it was written: its digest does not fit.")});
  }
  MANG_TRY(out.path, model_for(options, receipt, context));
  MANG_TRY(const ModelFacts facts, model_facts(out.path, context));
  MANG_TRY(check_identity(receipt, facts, out.path));

  MANG_TRY(const Machine machine, open_machine(options.device));
  out.machine = say("{} threads, {}", machine.device->threads(), isa_name(machine.device->isa()));
  LoadedModel loaded;
  {
    const StatusLine status(say("Loading {} …", receipt.model));
    MANG_TRY(loaded, load_model(out.path, *machine.device, context.log));
  }
  MANG_TRY(const ModelFacts now, model_facts(out.path, context));
  MANG_TRY(check_identity(receipt, now, out.path));  // what was loaded is what was looked at
  MANG_TRY(const Tokenizer tokenizer, Tokenizer::build(std::move(loaded.text.tokenizer)));
  MANG_TRY(const std::optional<Error> prompt, wrong_prompt(receipt, loaded.text, out.path, tokenizer));
  if (prompt) out.different.push_back(*prompt);

  const WatchInterrupts watch;
  Counter counter;
  ReceiptCheckOptions how;
  how.cancel = &context.interrupted;
  how.progress = [&](int64_t tokens, int64_t of) { counter.show(tokens, of); };
  MANG_TRY(out.check, check_receipt(*loaded.model, *machine.device, &tokenizer, receipt, how));
  note_difference(out, tokenizer);
  return out;
}

double speed(const ReceiptCheck& check) {
  return check.answer_seconds > 0 ? static_cast<double>(check.drawn_tokens) / check.answer_seconds : 0;
}

Json difference_json(const Replayed& replayed) {
  const auto& token = replayed.check.token;
  if (!token) return Json();
  return {{"index", token->index},
          {"position", static_cast<int64_t>(replayed.receipt.prompt.size()) + token->index},
          {"claimed", {{"id", token->claimed}, {"text", *replayed.claimed}}},
          {"drawn", {{"id", token->drawn}, {"text", *replayed.drawn}}}};
}

Json to_json(const Replayed& replayed) {
  Json reasons = Json::array();
  for (const Error& each : replayed.different) reasons.push_back(message_of(each));
  return {{"verdict", replayed.different.empty() ? "same" : "different"},
          {"reasons", std::move(reasons)},
          {"first_difference", difference_json(replayed)},
          {"model", replayed.path},
          {"prompt_tokens", replayed.receipt.prompt.size()},
          {"answer_tokens", replayed.receipt.answer.size()},
          {"drawn_tokens", replayed.check.drawn_tokens},
          {"prompt_seconds", replayed.check.prompt_seconds},
          {"answer_seconds", replayed.check.answer_seconds},
          {"answer_tokens_per_second", speed(replayed.check)}};
}

std::string to_text(const Replayed& replayed, size_t width) {
  const Receipt& receipt = replayed.receipt;
  Page page(2, 12, width);
  page.row(tr("receipt"), say("of {}, written by {}", receipt.model, receipt.program));
  page.row(tr("model"), say("{}: the receipt's files", replayed.path));
  page.row(tr("machine"), replayed.machine);
  page.row(tr("prompt"), receipt.source.is_null()
                             ? say("{} tokens; their text is not in the receipt", receipt.prompt.size())
                             : say("{} tokens", receipt.prompt.size()));
  page.row(tr("answer"), say("{} tokens, drawn again in {:.3f} s, {:.1f} tokens/s", replayed.check.drawn_tokens,
                             replayed.check.answer_seconds, speed(replayed.check)));
  std::string out = page.text() + "\n";
  const auto line = [&](const std::string& text) { out += (width > 0 ? wrapped(text, 0, width) : text) + "\n"; };
  if (replayed.different.empty()) {
    line(receipt.finish_reason == FinishReason::cancelled
             ? tr("same: the model begins its answer with exactly these tokens; it was stopped there by hand.")
             : tr("same: the model gives exactly this answer."));
  }
  for (const Error& each : replayed.different) line(say("different: {}", each));
  return out;
}

Result<int> run(const Options& options, Context& context) {
  const Result<Replayed> replayed = replay(options, context);
  if (!replayed.ok()) {
    if (context.interrupted.load()) return kExitInterrupted;
    if (options.json) {
      context.out.write(
          dump_json(Json{{"verdict", "cannot check"}, {"reasons", Json::array({message_of(replayed.error())})}}) +
          "\n");
    } else {
      print_error(replayed.error());
    }
    return kExitCannotCheck;
  }
  context.out.write(options.json ? dump_json(to_json(*replayed)) + "\n" : to_text(*replayed, context.out.width()));
  return replayed->different.empty() ? kExitOk : kExitDifferent;
}

}  // namespace

void add_replay(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "replay", tr("Check the receipt of an answer by computing it again"));
  command->add_option("RECEIPT", options->receipt, tr("A file that 'mang run --receipt' wrote ('-': standard input)"))
      ->required();
  command->add_option("MODEL", options->model,
                      tr("The model; left out, the one on this machine that has the receipt's digests"));
  command->add_flag("--json", options->json, tr("Write JSON"));
  command->footer(
      tr("Examples:\n"
         "  mang run \"Why does bamboo grow so fast?\" --receipt answer.json\n"
         "  mang replay answer.json\n\n"
         "Exit codes: 0 the same, 1 different, 2 it cannot be checked (another model or version, no receipt), 130 "
         "stopped by Ctrl-C."));
  add_device_options(*command, options->device);
  // The receipt says these.
  for (const char* name : {"--kv", "--exact"}) command->remove_option(command->get_option(name));
  command->callback([options, &action] { action = [options](Context& context) { return run(*options, context); }; });
}

}  // namespace mang::cli
