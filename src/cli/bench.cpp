// mang bench: how fast a model is on this machine, and what share of the machine's limits that is.
#include "engine/bench.h"

#include <unistd.h>

#include <filesystem>
#include <memory>

#include "cli/bench_table.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "kernels/probe.h"
#include "load/load_model.h"
#include "load/model_files.h"

namespace mang::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::vector<int64_t> prompt = {512}, generate = {128}, depth = {0}, batch = {512}, sequences = {1};
  std::vector<int> threads;
  int64_t repetitions = 5;
  std::string output = "md";
  bool no_warm_up = false;
  bool no_probe = false;
  DeviceOptions device;
};

// llama-bench's order: for each depth all prompt tests, then all generation tests.
std::vector<BenchCase> cases(const Options& options) {
  std::vector<BenchCase> out;
  for (int64_t sequences : options.sequences) {
    for (int64_t depth : options.depth) {
      for (int64_t n : options.prompt) {
        if (n > 0) out.push_back({.prompt = n, .generate = 0, .depth = depth, .sequences = sequences});
      }
      for (int64_t n : options.generate) {
        if (n > 0) out.push_back({.prompt = 0, .generate = n, .depth = depth, .sequences = sequences});
      }
    }
  }
  return out;
}

MachinePeak probe(const Device& device) {
  const ProbeResult result = probe_machine(device, 50);
  return {result.read_bytes_per_second, result.int8_macs_per_second};
}

// KV bytes that one generated token of one sequence reads, on average over the case.
double kv_bytes_read(const Model& model, KvType type, const BenchCase& test) {
  Result<std::vector<KvLayout>> layers = model.kv_layout(type);
  if (!layers.ok()) return 0;
  double position = 0;  // bytes of one position in all layers
  for (const KvLayout& layer : *layers) position += static_cast<double>(layer.page_bytes()) / kPagePositions;
  return position * (static_cast<double>(test.depth) + static_cast<double>(test.generate) / 2);
}

struct Loaded {
  std::string name;
  std::string path;
  uint64_t file_bytes = 0;
  std::unique_ptr<Model> model;
};

Result<Loaded> load(const std::string& text, const Device& device, const Context& context) {
  MANG_TRY(ModelRef ref, resolve_model(text, context));
  MANG_TRY(ModelFiles files, ModelFiles::open(ref.path, context.log));
  MANG_TRY(std::unique_ptr<Model> model, load_weights(files, device, context.log));
  const std::string file = std::filesystem::path(ref.path).filename().string();
  return Loaded{ref.entry ? ref.entry->name : file, ref.path, files.bytes(), std::move(model)};
}

Result<BenchRow> measure(Loaded& loaded, const Machine& machine, const BenchCase& test, int64_t batch,
                         const Options& options, const Context& context) {
  BenchOptions how;
  how.repetitions = options.repetitions;
  how.warm_up = !options.no_warm_up;
  how.chunk = batch;
  how.arithmetic = options.device.arithmetic();
  how.kv_type = options.device.kv_type();
  how.cancel = &context.interrupted;

  BenchRow row;
  std::optional<MachinePeak> before;
  if (!options.no_probe) before = probe(*machine.device);
  MANG_TRY(row.result, run_bench(*loaded.model, *machine.device, test, how));
  if (before) {
    const MachinePeak after = probe(*machine.device);
    row.peak = MachinePeak{(before->read_bytes + after.read_bytes) / 2, (before->int8_macs + after.int8_macs) / 2};
  }
  const ModelInfo& info = loaded.model->info();
  const TokenCost cost = token_cost(info);
  row.model = loaded.name;
  row.architecture = info.architecture;
  row.file_bytes = loaded.file_bytes;
  row.parameters = info.parameters;
  row.isa = isa_name(machine.device->isa());
  row.kv = kv_type_name(options.device.kv_type());
  row.exact = options.device.exact;
  row.threads = machine.device->threads();
  row.chunk = batch;
  row.step_bytes = cost.weight_bytes +
                   kv_bytes_read(*loaded.model, options.device.kv_type(), test) * static_cast<double>(test.sequences);
  // A prompt needs the head only for its last token.
  row.token_macs = test.prompt > 0 ? cost.macs - static_cast<double>(info.hidden * info.vocab) : cost.macs;
  return row;
}

Result<int> bench(const Options& options, Context& context) {
  const std::vector<BenchCase> tests = cases(options);
  if (tests.empty()) return usage_error("bench", tr("there is nothing to measure: -p and -n are both 0."));
  std::vector<BenchRow> rows;
  const bool show_progress = ::isatty(STDERR_FILENO) == 1;
  const std::vector<int> thread_counts = options.threads.empty() ? std::vector<int>{0} : options.threads;
  for (int threads : thread_counts) {
    DeviceOptions device = options.device;
    device.threads = threads;
    MANG_TRY(Machine machine, open_machine(device));
    for (const std::string& text : options.models) {
      MANG_TRY(Loaded loaded, load(text, *machine.device, context));
      for (int64_t batch : options.batch) {
        for (const BenchCase& test : tests) {
          if (show_progress) fmt::print(stderr, "\r\033[K{}: {}", loaded.name, bench_name(test));
          Result<BenchRow> row = measure(loaded, machine, test, batch, options, context);
          if (show_progress) fmt::print(stderr, "\r\033[K");
          if (!row.ok()) return row.error();
          rows.push_back(std::move(row).value());
        }
      }
    }
  }
  context.out.write(options.output == "json"  ? bench_json(rows)
                    : options.output == "csv" ? bench_csv(rows)
                                              : bench_markdown(rows));
  if (options.output == "md" && rows.front().peak) {
    context.out.write(
        say("\nProbed beside the last row: {:.1f} GB/s read, {:.0f} GMAC/s int8. Shares are of the probes taken "
            "before and after each row.\n",
            rows.back().peak->read_bytes / 1e9, rows.back().peak->int8_macs / 1e9));
  }
  return kExitOk;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "bench", tr("Measure speed, as llama-bench does, beside the machine's limits"));
  auto list = [&](const char* names, auto& variable, const std::string& help, auto least) {
    using T = typename std::remove_reference_t<decltype(variable)>::value_type;
    command->add_option(names, variable, help)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Range(static_cast<T>(least), static_cast<T>(1 << 24)))
        ->type_name("N,…");
  };
  command->add_option("MODEL,-m,--model", options->models, tr("Models"))->required()->type_name("MODEL");
  list("-p,--n-prompt", options->prompt, tr("Tokens of a prompt to read; 0: none (512)"), 0);
  list("-n,--n-gen", options->generate, tr("Tokens to generate; 0: none (128)"), 0);
  list("-d,--n-depth", options->depth, tr("Tokens already there before (0)"), 0);
  list("-b,--batch-size", options->batch, tr("Most tokens in one forward (512)"), 1);
  list("--sequences", options->sequences, tr("Sequences worked on together (1)"), 1);
  list("-t,--threads", options->threads, tr("Threads (all cores)"), 1);
  command->add_option("-r,--repetitions", options->repetitions, tr("Repetitions of each test (5)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1000}))
      ->type_name("N");
  command->add_option("-o,--output", options->output, tr("md, csv or json"))
      ->check(CLI::IsMember({"md", "csv", "json"}));
  command->add_flag(
      "--json", [options](int64_t) { options->output = "json"; }, tr("The same as -o json"));
  command->add_flag("--no-warmup", options->no_warm_up, tr("No unmeasured run before"));
  command->add_flag("--no-probe", options->no_probe, tr("Do not probe the machine's limits around each row"));
  add_device_options(*command, options->device, false);
  command->callback([options, &action] { action = [options](Context& context) { return bench(*options, context); }; });
}

}  // namespace mang::cli
