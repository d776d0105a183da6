// mang run: a prompt → an answer, streamed.
#include <unistd.h>

#include <limits>
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/run_input.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxPrompt = 256 * kMiB;

struct Options {
  std::string first, second, third;  // positionals; the third is one too many, and is told so
  std::optional<std::string> model, prompt;
  std::string system;
  bool raw = false;
  bool verbose = false;
  bool quiet = false;
  bool json = false;
  AnswerOptions answer;
};

// The text as it comes: to a terminal without control characters, elsewhere as it is.
class Stream {
 public:
  Stream(Output& out, bool silent) : out_(out), silent_(silent), terminal_(out.is_terminal()) {}

  void operator()(const std::string& text) {
    ends_line_ = text.back() == '\n';
    if (silent_) return;
    out_.write(terminal_ ? without_terminal_controls(text) : text);
    (void)out_.flush().ok();  // an error is told by the last flush
  }
  // Ends the line the answer stands on. A raw continuation is bytes for a program unless a person looks on.
  void end_line(bool raw) {
    if (!silent_ && !ends_line_ && (!raw || terminal_)) out_.write("\n");
    ends_line_ = true;
  }

 private:
  Output& out_;
  bool silent_;
  bool terminal_;
  bool ends_line_ = false;
};

void print_statistics(const AnswerRecord& record, const Answerer& answerer) {
  const RequestStats& stats = record.done.stats;
  const MemoryUse memory = memory_use();
  const ModelInfo& info = answerer.loaded().model->info();
  auto row = [](const std::string& label, const std::string& value) {
    print_error_line(fmt::format("  {:<12} {}", label, value));
  };
  print_error_line("");
  row(tr("model"), say("{}, {} parameters, {}", info.architecture, human_count(info.parameters),
                       answerer.loaded().description.path));
  row(tr("machine"),
      say("{} threads, {}", answerer.machine().device->threads(), isa_name(answerer.machine().device->isa())));
  row(tr("prompt"), say("{} tokens in {:.3f} s, {:.1f} tokens/s ({} from the cache)", stats.prompt_tokens,
                        stats.prefill_seconds, stats.prefill_speed(), stats.cached_tokens));
  row(tr("answer"), say("{} tokens in {:.3f} s, {:.1f} tokens/s", stats.generated_tokens, stats.decode_seconds,
                        stats.decode_speed()));
  row(tr("first token"), say("after {:.3f} s", stats.ttft_seconds));
  row(tr("memory"),
      say("{} resident, {} at most; KV cache for {} tokens: {}", human_bytes(memory.resident), human_bytes(memory.peak),
          answerer.engine().context(), human_bytes(static_cast<uint64_t>(answerer.engine().kv_bytes()))));
  row(tr("ended by"), tr(finish_reason_name(record.done.reason)));
  row(tr("seed"), fmt::format("{}", answerer.sampling().seed));
}

Json to_json(const AnswerRecord& record, const std::string& model) {
  const RequestStats& stats = record.done.stats;
  return {{"model", model},
          {"text", record.text},
          {"ids", record.ids},
          {"finish_reason", std::string(finish_reason_name(record.done.reason))},
          {"prompt_tokens", stats.prompt_tokens},
          {"cached_tokens", stats.cached_tokens},
          {"generated_tokens", stats.generated_tokens},
          {"prefill_seconds", stats.prefill_seconds},
          {"decode_seconds", stats.decode_seconds},
          {"ttft_seconds", stats.ttft_seconds}};
}

// After an answer: its end of line, its figures, and what the user must know about how it ended.
int conclude(const AnswerRecord& record, const Answerer& answerer, const Options& options, const std::string& model,
             Stream& stream, Context& context) {
  stream.end_line(options.raw);
  if (options.json) {
    context.out.write(dump_json(to_json(record, model)));
    context.out.write("\n");
  }
  (void)context.out.flush().ok();
  if (record.done.reason == FinishReason::context_full) {
    print_error_line(say("mang: the answer was cut: the context of {} tokens is full.", answerer.engine().context()));
  }
  if (options.verbose) print_statistics(record, answerer);
  return record.done.reason == FinishReason::cancelled ? kExitInterrupted : kExitOk;
}

ChatRequest new_conversation(const std::string& system) {
  ChatRequest request;
  if (!system.empty()) request.messages.push_back({{"role", "system"}, {"content", system}});
  request.now = jinja::DateTime::local_now();
  return request;
}

// A conversation at the terminal, a line a turn, until Ctrl-D or /bye.
Result<int> converse(Answerer& answerer, const Options& options, const std::string& model, Context& context) {
  print_error_line(tr("Write a message and press Enter. Ctrl-D or /bye ends the conversation."));
  ChatRequest request = new_conversation(options.system);
  LineReader lines(kMaxPrompt);
  std::string line;
  for (;;) {
    fmt::print(stderr, "> ");
    std::fflush(stderr);
    MANG_TRY(bool more, lines.next(line, [&] { return context.out.flush(); }));
    if (!more || line == "/bye") break;
    if (line.empty()) continue;
    request.messages.push_back({{"role", "user"}, {"content", line}});
    Stream stream(context.out, options.json);
    MANG_TRY(AnswerRecord record, answerer.chat(request, std::ref(stream), context));
    const int code = conclude(record, answerer, options, model, stream, context);
    if (code != kExitOk) return code;
    request.messages.push_back({{"role", "assistant"}, {"content", record.text}});
  }
  return kExitOk;
}

Result<int> run(const Options& options, Context& context) {
  std::vector<std::string> positionals;
  for (const std::string* text : {&options.first, &options.second, &options.third}) {
    if (!text->empty()) positionals.push_back(*text);
  }
  Result<RunInput> input = interpret_run(positionals, options.model, options.prompt, context.catalog);
  if (!input.ok()) return usage_error("run", input.error().message);

  // What is wrong whatever the model is told before anything is fetched or read. (Only the model knows its vocabulary.)
  constexpr int64_t kAnyVocabulary = std::numeric_limits<int32_t>::max();
  const Result<SamplingParams> params = sampling_params(options.answer.sampling, {});
  if (!params.ok()) return usage_error("run", params.error().message);
  if (const Result<void> valid = validate(*params, kAnyVocabulary); !valid.ok()) {
    return usage_error("run", valid.error().message);
  }

  std::string piped;
  if (stdin_is_piped()) {
    MANG_TRY(piped, read_stdin(kMaxPrompt));
  }
  const std::string prompt = join_prompt(input->prompt, piped, options.raw);
  const bool conversation = prompt.empty() && !input->prompt && ::isatty(STDIN_FILENO) == 1 && !options.raw;
  if (prompt.empty() && !conversation) {
    return usage_error("run", tr("there is no prompt. Write one in quotes, or pipe one in."));
  }

  const std::string model = input->model.value_or(context.catalog.default_entry().name);
  MANG_TRY(ModelRef ref, resolve_model(model, context));
  if (ref.entry && !ref.entry->note.empty() && !options.quiet) {
    print_error_line(
        say("{}: {} ({}). Name another model with -m.", ref.entry->name, ref.entry->note, ref.entry->license));
  }
  MANG_TRY(Answerer answerer, Answerer::open(ref.path, options.answer, context));
  if (conversation) return converse(answerer, options, model, context);

  Stream stream(context.out, options.json);
  Result<AnswerRecord> answer = Error{};
  if (options.raw) {
    answer = answerer.continue_raw(prompt, std::ref(stream), context);
  } else {
    ChatRequest request = new_conversation(options.system);
    request.messages.push_back({{"role", "user"}, {"content", prompt}});
    answer = answerer.chat(request, std::ref(stream), context);
  }
  MANG_TRY(AnswerRecord record, std::move(answer));
  return conclude(record, answerer, options, model, stream, context);
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
  command->add_option("-m,--model", options->model, tr("The model, whatever it looks like"))->type_name("MODEL");
  command->add_option("-p,--prompt", options->prompt, tr("The prompt, whatever it looks like"))->type_name("TEXT");
  command->add_option("-s,--system", options->system, tr("The system message"))->type_name("TEXT");
  command->add_flag("--raw", options->raw, tr("Continue the prompt's bytes as they are: no chat template"));
  command->add_flag("--special", options->answer.special,
                    tr("Read control tokens in a raw prompt as such, and show those of the answer"));
  command->add_flag("-v,--verbose", options->verbose,
                    tr("Also tokens, speed, time to the first token and memory, on stderr"));
  command->add_flag("-q,--quiet", options->quiet, tr("No line about the default model"));
  command->add_flag("--json", options->json, tr("Write the answer and its figures as JSON when it is complete"));
  add_sampling_options(*command, options->answer.sampling);
  command->add_option("-c,--context", options->answer.context, tr("Longest conversation in tokens (the model's own)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->type_name("N")
      ->group(tr("Computation"));
  add_device_options(*command, options->answer.device);
  command->callback([options, &action] { action = [options](Context& context) { return run(*options, context); }; });
}

}  // namespace mang::cli
