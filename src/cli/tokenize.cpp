// mang tokenize: text on standard input → token ids.
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/text_side.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxText = kGiB;

struct Options {
  std::string model;
  bool special = false;
  bool add_special = false;
  bool json = false;
  bool jsonl = false;
};

void append_ids(const std::vector<int32_t>& ids, std::string& out) {
  out += '[';
  std::string_view comma;
  for (int32_t id : ids) {
    fmt::format_to(std::back_inserter(out), "{}{}", comma, id);
    comma = ", ";
  }
  out += "]\n";
}

// A line for each token: its id and what it stands for, as a JSON string.
void append_table(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, std::string& out) {
  for (int32_t id : ids) {
    fmt::format_to(std::back_inserter(out), "{}\t{}\n", id, dump_json(Json(std::string(tokenizer.token_bytes(id)))));
  }
}

Result<int> tokenize_lines(const Tokenizer& tokenizer, EncodeOptions encode, Context& context) {
  LineReader lines(kMaxText);
  std::vector<int32_t> ids;
  std::string line, text;
  for (int64_t number = 1;; ++number) {
    MANG_TRY(bool more, lines.next(line, [&] { return context.out.flush(); }));
    if (!more) return kExitOk;
    MANG_TRY(Json value, parse_json(line, say("line {}", number)));
    if (!value.is_string()) return Error{say("line {}: a JSON string was expected, such as \"some text\".", number)};
    ids.clear();
    tokenizer.encode_to(value.get_ref<const std::string&>(), encode, ids);
    text.clear();
    append_ids(ids, text);
    context.out.write(text);
  }
}

Result<int> tokenize(const Options& options, Context& context) {
  MANG_TRY(Tokenizer tokenizer, open_tokenizer(options.model, context));
  const EncodeOptions encode{.parse_special = options.special, .add_special = options.add_special};
  if (options.jsonl) return tokenize_lines(tokenizer, encode, context);

  MANG_TRY(std::string text, read_stdin(kMaxText));
  const std::vector<int32_t> ids = tokenizer.encode(text, encode);
  std::string out;
  if (options.json)
    append_ids(ids, out);
  else
    append_table(tokenizer, ids, out);
  context.out.write(out);
  return kExitOk;
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "tokenize", tr("Turn text on standard input into token ids"));
  command
      ->add_option("MODEL", options->model,
                   tr("A model; a vocabulary-only GGUF file or a directory with only "
                      "tokenizer files is enough"))
      ->required();
  command->add_flag("--special", options->special, tr("Read control tokens written in the text as control tokens"));
  command->add_flag("--add-special", options->add_special, tr("Add the beginning-of-text token and the like"));
  CLI::Option* json = command->add_flag("--json", options->json, tr("Write the ids as one JSON array"));
  command->add_flag("--jsonl", options->jsonl, tr("Read a JSON string a line, write an array a line"))->excludes(json);
  command->callback(
      [options, &action] { action = [options](Context& context) { return tokenize(*options, context); }; });
}

}  // namespace mang::cli
