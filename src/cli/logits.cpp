// mang logits: token ids → a NumPy file with the logits of every position.
#include <memory>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/json_ids.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/npy.h"
#include "engine/collect_logits.h"
#include "load/load_model.h"
#include "load/model_files.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxIds = 256 * kMiB;

struct Options {
  std::string model;
  std::string ids;
  std::string output;
  int64_t chunk = 512;
  DeviceOptions device;
};

Result<int> logits(const Options& options, Context& context) {
  MANG_TRY(std::string text, read_file_or_stdin(options.ids, kMaxIds));
  MANG_TRY(std::vector<int32_t> ids, parse_ids(text, options.ids));
  MANG_TRY(Machine machine, open_machine(options.device));
  MANG_TRY(ModelRef ref, resolve_model(options.model, context));
  MANG_TRY(ModelFiles files, ModelFiles::open(ref.path, context.log));
  MANG_TRY(std::unique_ptr<Model> model, load_weights(files, *machine.device, context.log));

  const int64_t vocab = model->info().vocab;
  MANG_TRY(check_ids(ids, vocab));  // before a file is begun
  const WatchInterrupts watch;      // an unfinished file is taken away
  MANG_TRY(NpyWriter file, NpyWriter::create(options.output == "-" ? "/dev/stdout" : options.output,
                                             static_cast<int64_t>(ids.size()), vocab));
  auto write = [&](int64_t, int64_t count, const float* rows) -> Result<void> {
    if (context.interrupted.load(std::memory_order_relaxed)) return Error{tr("stopped.")};
    return file.write({rows, static_cast<size_t>(count * vocab)});
  };
  MANG_TRY(collect_logits(*model, *machine.device, options.device.arithmetic(), options.device.kv_type(), ids,
                          options.chunk, write));
  MANG_TRY(file.finish());
  return kExitOk;
}

}  // namespace

void add_logits(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "logits", tr("Write the logits of every position to a NumPy file"));
  command->add_option("MODEL", options->model, tr("A model"))->required();
  command->add_option("--ids", options->ids, tr("JSON file: an array of token ids ('-': standard input)"))
      ->required()
      ->type_name("FILE");
  command
      ->add_option("-o,--output", options->output,
                   tr("The file to write: float32, [tokens, rows of the head] ('-': standard output)"))
      ->required()
      ->type_name("FILE.npy");
  command->add_option("--chunk", options->chunk, tr("Tokens in one forward; 0: all at once (512)"))
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->type_name("C");
  add_device_options(*command, options->device);
  command->callback([options, &action] { action = [options](Context& context) { return logits(*options, context); }; });
}

}  // namespace mang::cli
