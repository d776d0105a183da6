// mang perplexity: how well a model predicts a text.
#include "engine/perplexity.h"

#include <unistd.h>

#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "load/load_model.h"
#include "text/tokenizer.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxText = kGiB;

struct Options {
  std::string model;
  std::string file;
  int64_t context = 512;
  int64_t stride = 0;
  int64_t windows = 0;
  int64_t chunk = 512;
  bool json = false;
  DeviceOptions device;
};

void print_result(const PerplexityResult& result, const Options& options, Context& context) {
  if (options.json) {
    context.out.write(dump_json(Json{{"perplexity", result.perplexity},
                                     {"perplexity_error", result.perplexity_error},
                                     {"mean_nll", result.mean_nll},
                                     {"standard_error", result.standard_error},
                                     {"scored_tokens", result.scored_tokens},
                                     {"windows", result.windows},
                                     {"context", options.context},
                                     {"stride", options.stride},
                                     {"exact", options.device.exact},
                                     {"kv", std::string(kv_type_name(options.device.kv_type()))},
                                     {"seconds", result.seconds}}));
    context.out.write("\n");
    return;
  }
  context.out.write(
      say("perplexity {:.4f} ± {:.4f}  ({:.5f} nats a token, {} tokens scored in {} windows of {}, {:.1f} s)\n",
          result.perplexity, result.perplexity_error, result.mean_nll, result.scored_tokens, result.windows,
          options.context, result.seconds));
}

Result<int> measure(const Options& options, Context& context) {
  MANG_TRY(std::string text, read_file_or_stdin(options.file, kMaxText));
  MANG_TRY(Machine machine, open_machine(options.device));
  MANG_TRY(ModelRef ref, resolve_model(options.model, context));
  MANG_TRY(LoadedModel loaded, load_model(ref.path, *machine.device, context.log));
  MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(loaded.text.tokenizer)));

  PerplexityOptions how;
  how.context = options.context;
  how.stride = options.stride;
  how.max_windows = options.windows;
  how.chunk = options.chunk;
  how.arithmetic = options.device.arithmetic();
  how.kv_type = options.device.kv_type();
  // A tokenizer that begins texts with BOS wants it at the start of each window too.
  const std::vector<int32_t> empty = tokenizer.encode("", {.add_special = true});
  if (!empty.empty() && empty.front() == tokenizer.bos_id()) how.bos = tokenizer.bos_id();

  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  auto progress = [&](const PerplexityResult& result, int64_t windows) {
    if (terminal) fmt::print(stderr, "\r{}/{}  {:.4f} ", result.windows, windows, result.perplexity);
  };
  const std::vector<int32_t> ids = tokenizer.encode(text);
  Result<PerplexityResult> result = perplexity(*loaded.model, *machine.device, ids, how, progress);
  if (terminal) print_error_line("");
  MANG_TRY(PerplexityResult measured, std::move(result));
  print_result(measured, options, context);
  return kExitOk;
}

}  // namespace

void add_perplexity(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "perplexity", tr("Measure how well a model predicts a text"));
  command->add_option("MODEL", options->model, tr("A model"))->required();
  command->add_option("-f,--file", options->file, tr("The text ('-': standard input)"))->required()->type_name("FILE");
  const CLI::Range positive(int64_t{1}, int64_t{1} << 30), natural(int64_t{0}, int64_t{1} << 30);
  command->add_option("-c,--context", options->context, tr("Tokens of a window (512)"))
      ->check(positive)
      ->type_name("N");
  command
      ->add_option("--stride", options->stride,
                   tr("0: windows that do not overlap, the second half of each scored; "
                      "else a window starts every N tokens"))
      ->check(natural)
      ->type_name("N");
  command->add_option("--windows", options->windows, tr("At most this many windows; 0: all"))
      ->check(natural)
      ->type_name("N");
  command->add_option("--chunk", options->chunk, tr("Tokens in one forward (512)"))->check(positive)->type_name("C");
  command->add_flag("--json", options->json, tr("Write JSON"));
  add_device_options(*command, options->device);
  command->callback(
      [options, &action] { action = [options](Context& context) { return measure(*options, context); }; });
}

}  // namespace mang::cli
