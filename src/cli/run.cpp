// mang run: a prompt → an answer, streamed.
#include <unistd.h>

#include <limits>
#include <memory>

#include "base/units.h"
#include "cli/answer.h"
#include "cli/attachments.h"
#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/receipts.h"
#include "cli/recommend.h"
#include "cli/run_input.h"
#include "cli/run_output.h"
#include "cli/settings.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxPrompt = 256 * kMiB;

struct Options {
  std::string first, second, third;  // positionals; the third is one too many, and is told so
  std::optional<std::string> model, prompt;
  std::string system;
  std::optional<std::string> resume;  // the name of a conversation, or "last"
  bool no_history = false;
  bool quiet = false;
  bool accept_license = false;
  std::string receipt;  // the file to write one to; empty: none
  RunOutput output;
  AnswerOptions answer;
};

// One word that is nearly the name of a model was taken for the prompt, as the rules say; perhaps it was not meant so.
void hint_at_model(const std::vector<std::string>& positionals, const RunInput& input, const Catalog& catalog) {
  if (input.model || positionals.size() != 1 || positionals.front().find(' ') != std::string::npos) return;
  const std::vector<std::string> close = catalog.suggestions(positionals.front(), 1);
  if (close.empty()) return;
  print_error_line(
      say("mang: '{}' is taken for the prompt. If a model was meant, write '{}'.", positionals.front(), close.front()));
}

// A model that is not in the catalog. `guessed`: the rules took what may have been meant as the prompt for it.
Result<ModelRef> find_model(const std::string& model, bool guessed, const Context& context) {
  Result<ModelRef> ref = resolve_model(model, context);
  if (ref.ok() || !guessed) return ref;
  return fail("{} (If it is a prompt, write -p '{}'.)", ref.error(), model);
}

// --resume NAME, with a space where = is expected: the word is the name when a conversation has it.
void take_conversation_name(Options& options, std::vector<std::string>& positionals, History& history) {
  if (!options.resume || *options.resume != "last" || positionals.empty()) return;
  if (!history.resume(positionals.front()).ok()) return;
  options.resume = positionals.front();
  positionals.erase(positionals.begin());
}

Result<int> run(Options options, Context& context) {
  std::vector<std::string> positionals;
  for (const std::string* text : {&options.first, &options.second, &options.third}) {
    if (!text->empty()) positionals.push_back(*text);
  }
  History history(context.environment, !options.no_history);
  take_conversation_name(options, positionals, history);
  // A model from the settings is the one to take when none is named, not one that is named.
  const std::optional<std::string> named = context.settings.given("model") ? options.model : std::nullopt;
  Result<RunInput> input = interpret_run(positionals, named, options.prompt, context.catalog);
  if (!input.ok()) return usage_error("run", message_of(input.error()));

  if (options.output.raw && options.resume) {
    return usage_error("run", tr("--raw goes on with a prompt, not with a conversation: leave out --resume."));
  }
  if (options.resume && !options.system.empty() && context.settings.given("system")) {
    return usage_error("run", tr("the conversation has a system message of its own: '/set system …' changes it."));
  }
  // What is wrong whatever the model is told before anything is fetched or read. (Only the model knows its vocabulary.)
  constexpr int64_t kAnyVocabulary = std::numeric_limits<int32_t>::max();
  const Result<SamplingParams> params = sampling_params(options.answer.sampling, {});
  if (!params.ok()) return usage_error("run", message_of(params.error()));
  if (const Result<void> valid = validate(*params, kAnyVocabulary); !valid.ok()) {
    return usage_error("run", message_of(valid.error()));
  }

  if (!options.receipt.empty()) MANG_TRY(check_receipt_path(options.receipt));

  // A model that does not exist is told before a prompt is waited for; one of the catalog is fetched after.
  // Without a name, one is chosen then.
  Resumed resumed;
  if (options.resume) {
    MANG_TRY(resumed, history.resume(*options.resume));
    if (!input->model) input->model = resumed.about.model;
  }
  std::string model = input->model.value_or(options.model.value_or(""));
  const bool known = model.empty() || classify(model, context.catalog) == RefKind::name;
  ModelRef ref;
  if (!known) {
    MANG_TRY(ref, find_model(model, input->model && !named && !options.prompt && positionals.size() == 1, context));
  }

  // Files are read before anything is fetched or loaded. Piped text is taken as it is: @ means other things there.
  Attached attached;
  if (input->prompt && !options.output.raw) {
    MANG_TRY(attached, attach_files(*input->prompt, context.environment));
    input->prompt = attached.message;
  }
  std::string piped;
  if (stdin_is_piped()) {
    MANG_TRY(piped, read_stdin(kMaxPrompt));
  }
  const std::string prompt = join_prompt(input->prompt, piped, options.output.raw);
  const bool conversation = prompt.empty() && !input->prompt && ::isatty(STDIN_FILENO) == 1 && !options.output.raw;
  if (prompt.empty() && !conversation) {
    return usage_error("run", tr("there is no prompt. Write one in quotes, or pipe one in."));
  }
  if (conversation && !options.receipt.empty()) {
    return usage_error("run", tr("in a conversation '/receipt FILE' writes the receipt of the last answer: leave out "
                                 "--receipt."));
  }

  if (model.empty()) {
    MANG_TRY(model, choose_model(options.quiet, context));
  }
  if (known) {
    MANG_TRY(ref, resolve_model(model, context, options.accept_license));
  }
  if (!options.output.json && !options.quiet) hint_at_model(positionals, *input, context.catalog);
  if (ref.entry && input->model && !ref.entry->note.empty() && !options.quiet) {
    print_error_line(
        say("{}: {} ({}). Name another model with -m.", ref.entry->name, tr(ref.entry->note), ref.entry->license.id));
  }
  MANG_TRY(Answerer answerer, Answerer::open(ref.path, options.answer, context));
  RunOutput output = options.output;
  output.model = model;
  if (conversation) {
    ConversationOptions talk{options.system, options.answer, output, std::move(resumed.messages)};
    return Conversation(std::move(answerer), std::move(talk), std::move(history), context).run();
  }

  if (!options.quiet) say_attached(attached, answerer);
  Stream stream(context, output);
  Result<AnswerRecord> answer = Error{};
  if (options.output.raw) {
    answer = answerer.continue_raw(prompt, stream, context);
  } else {
    ChatRequest request = new_conversation(options.system);
    if (options.resume) request.messages = std::move(resumed.messages);
    request.messages.push_back({{"role", "user"}, {"content", prompt}});
    answer = answerer.chat(request, stream, context);
    if (options.resume && answer.ok()) {
      request.messages.push_back(assistant_message(*answer));
      history.store(output.model, request.messages);
    }
  }
  MANG_TRY(AnswerRecord record, std::move(answer));
  stream.end_line();
  Result<void> receipt;
  if (!options.receipt.empty()) receipt = write_receipt(options.receipt, record, answerer, model, context);
  conclude(record, answerer, output, stream, context);
  MANG_TRY(receipt);
  return record.done.reason == FinishReason::cancelled ? kExitInterrupted : kExitOk;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "run", tr("Answer a prompt (or converse, at a terminal without one)"));
  command->add_option("MODEL", options->first,
                      tr("A path, a known name such as smollm2:135m, or hf:organisation/name; left "
                         "out, the default model"));
  command->add_option("PROMPT", options->second, tr("The prompt; text piped in is put before it"));
  command->add_option("EXTRA", options->third)->group("");
  command->footer(
      tr("Examples:\n"
         "  mang run \"Why does bamboo grow so fast?\"\n"
         "  mang run model.gguf \"Tell a story.\" --temperature 0.8 --seed 7\n"
         "  git diff | mang run -p \"review this\"\n"
         "  mang run -m model.gguf                   a conversation, at a terminal\n\n"
         "Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C."));
  command->add_option("-m,--model", options->model, tr("The model, whatever it looks like"))->type_name("MODEL");
  command->add_option("-p,--prompt", options->prompt, tr("The prompt, whatever it looks like"))->type_name("TEXT");
  CLI::Option* system = command->add_option("-s,--system", options->system, tr("The system message"));
  system->type_name("TEXT");
  command->add_flag("--resume{last}", options->resume,
                    tr("Go on with the latest conversation, or with --resume=NAME with that one"));
  command->add_flag("--no-history", options->no_history, tr("Keep nothing of the conversation"));
  command->add_flag("--raw", options->output.raw, tr("Continue the prompt's bytes as they are: no chat template"))
      ->excludes(system);
  command->add_flag("--special", options->answer.special,
                    tr("Read control tokens in a raw prompt as such, and show those of the answer"));
  command->add_flag("-v,--verbose", options->output.verbose,
                    tr("Also tokens, speed, time to the first token and memory, on stderr"));
  command->add_flag("--accept-license", options->accept_license,
                    tr("Accept a licence that asks for consent without being asked"));
  command->add_flag("-q,--quiet", options->quiet, tr("No line about the default model"));
  command->add_flag("--json", options->output.json, tr("Write the answer and its figures as JSON when it is complete"));
  command
      ->add_option("--price-per-kwh", options->output.price.per_kwh,
                   tr("What a kilowatt hour costs: says what an answer costs"))
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("PRICE");
  command->add_option("--currency", options->output.price.currency, tr("The currency of that price"))
      ->type_name("NAME");
  command->add_flag("--plain", options->output.plain, tr("Write Markdown as it is, also on a terminal"));
  command->add_flag("--hide-thinking", options->output.hide_thinking,
                    tr("Fold what the model thinks before it answers to one line"));
  command->add_flag("--show-thinking", options->output.show_thinking,
                    tr("Also write what the model thinks into a pipe or a file, between <think> and </think>"));
  command
      ->add_option("--receipt", options->receipt,
                   tr("Also write a receipt of the answer, which 'mang replay' checks on any machine"))
      ->type_name("FILE");
  add_sampling_options(*command, options->answer.sampling);
  command->add_option("-c,--context", options->answer.context, tr("Longest conversation in tokens (the model's own)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->type_name("N")
      ->group(tr("Computation"));
  add_device_options(*command, options->answer.device);
  add_speculation_options(*command, options->answer.speculation);
  command->callback([options, &action] { action = [options](Context& context) { return run(*options, context); }; });
}

}  // namespace mang::cli
