// mang detokenize: token ids on standard input → text.
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/json_ids.h"
#include "cli/messages.h"
#include "cli/text_side.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxInput = kGiB;

struct Options {
  std::string model;
  bool json = false;
  bool jsonl = false;
};

// Ids outside the vocabulary have no text: they are refused, so that a mix-up of models is noticed.
Result<std::string> decode(const Tokenizer& tokenizer, std::string_view json, const std::string& what) {
  MANG_TRY(std::vector<int32_t> ids, parse_ids(json, what));
  for (int32_t id : ids) {
    if (id >= tokenizer.vocab_size()) {
      return Error{say("{}: token {} is outside the vocabulary of {} tokens. Is it the right model?", what, id,
                       tokenizer.vocab_size())};
    }
  }
  return tokenizer.decode(ids);
}

Result<int> detokenize(const Options& options, Context& context) {
  if (options.json == options.jsonl) return usage_error("detokenize", tr("give one of --json and --jsonl."));
  MANG_TRY(Tokenizer tokenizer, open_tokenizer(options.model, context));
  if (options.json) {
    MANG_TRY(std::string input, read_stdin(kMaxInput));
    MANG_TRY(std::string text, decode(tokenizer, input, tr("standard input")));
    context.out.write(text);
    return kExitOk;
  }
  LineReader lines(kMaxInput);
  std::string line;
  for (int64_t number = 1;; ++number) {
    MANG_TRY(bool more, lines.next(line, [&] { return context.out.flush(); }));
    if (!more) return kExitOk;
    MANG_TRY(std::string text, decode(tokenizer, line, say("line {}", number)));
    context.out.write(dump_json(Json(text)));
    context.out.write("\n");
  }
}

}  // namespace

void add_detokenize(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "detokenize", tr("Turn token ids on standard input into text"));
  command
      ->add_option("MODEL", options->model,
                   tr("A model; a vocabulary-only GGUF file or a directory with only "
                      "tokenizer files is enough"))
      ->required();
  CLI::Option* json =
      command->add_flag("--json", options->json, tr("Read one JSON array of ids, write the text as it is"));
  command->add_flag("--jsonl", options->jsonl, tr("Read an array a line, write a JSON string a line"))->excludes(json);
  command->callback(
      [options, &action] { action = [options](Context& context) { return detokenize(*options, context); }; });
}

}  // namespace mang::cli
