// mang bench: how fast a model is on this machine, and what share of the machine's limits that is.
#include "engine/bench.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/bench_determinism.h"
#include "cli/bench_ops.h"
#include "cli/bench_speculation.h"
#include "cli/bench_table.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/io.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/progress.h"
#include "engine/speed_estimate.h"
#include "kernels/probe.h"
#include "load/load_model.h"
#include "load/model_files.h"
#include "text/tokenizer.h"

namespace mang::cli {
namespace {

constexpr int64_t kUsualBatch = 512;

struct Options {
  std::vector<std::string> models;
  std::vector<int64_t> prompt = {512}, generate = {128}, depth = {0}, batch = {kUsualBatch}, sequences = {1};
  int64_t beside = 0;
  std::vector<int> threads;
  int64_t repetitions = 5;
  std::string output = "md";
  bool no_warm_up = false;
  bool no_probe = false;
  bool turns = false;
  bool ops = false;
  DeterminismCommand determinism;
  SpeculationCommand speculation;
  DeviceOptions device;
};

// llama-bench's order: for each depth all prompt tests, then all generation tests.
std::vector<BenchCase> cases(const Options& options) {
  std::vector<BenchCase> out;
  for (int64_t sequences : options.sequences) {
    for (int64_t depth : options.depth) {
      for (int64_t n : options.prompt) {
        if (n > 0) {
          out.push_back({.prompt = n, .generate = 0, .depth = depth, .sequences = sequences, .beside = options.beside});
        }
      }
      for (int64_t n : options.generate) {
        if (n > 0) out.push_back({.prompt = 0, .generate = n, .depth = depth, .sequences = sequences});
      }
    }
  }
  return out;
}

ProbeResult probe(const Device& device) { return probe_machine(device, 50); }

// KV bytes of one position in all layers.
double kv_bytes_per_position(const Model& model, KvType type) {
  Result<std::vector<KvLayout>> layers = model.kv_layout(type);
  if (!layers.ok()) return 0;
  double position = 0;
  for (const KvLayout& layer : *layers) position += static_cast<double>(layer.page_bytes()) / kPagePositions;
  return position;
}

// Tokens that are there when one is generated, on average over the case.
double mean_depth(const BenchCase& test) {
  return static_cast<double>(test.depth) + static_cast<double>(test.generate) / 2;
}

// What would have been expected of one sequence; 0 for rows that the estimate says nothing about.
double predicted(const Model& model, const BenchCase& test, const ProbeResult& machine, const DeviceOptions& device) {
  const bool one_kind = (test.prompt == 0) != (test.generate == 0);
  if (!one_kind || test.sequences != 1 || test.beside > 0 || device.exact || (test.prompt > 0 && test.depth > 0))
    return 0;
  const TokenWork work = token_work(model.info(), static_cast<double>(model.info().weight_bytes),
                                    kv_bytes_per_position(model, device.kv_type()));
  const SpeedEstimate speed = estimate_speed(work, machine, static_cast<int64_t>(mean_depth(test)));
  return test.prompt > 0 ? speed.prefill.likely : speed.decode.likely;
}

// What a model is called in the table: a catalog name, or the file's name without where it is.
std::string table_name(const std::string& model) {
  const std::filesystem::path path(model);
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

struct Loaded {
  std::string name;
  std::string path;
  uint64_t file_bytes = 0;
  std::unique_ptr<Model> model;
  std::optional<Tokenizer> tokenizer;  // not used, but in memory as in `mang run`; none: the model has none
  double load_seconds = 0;
  double tokenizer_seconds = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<Loaded> load(const std::string& text, const Device& device, const Context& context) {
  MANG_TRY(ModelRef ref, resolve_model(text, context));
  const auto start = std::chrono::steady_clock::now();
  MANG_TRY(ModelFiles files, ModelFiles::open(ref.path, context.log));
  const StatusLine status(say("Loading {} …", table_name(ref.path)));
  Loaded out;
  out.name = ref.entry ? ref.entry->name : table_name(ref.path);
  out.path = ref.path;
  out.file_bytes = files.bytes();
  MANG_TRY(out.model, load_weights(files, device, context.log));
  out.load_seconds = seconds_since(start);
  // Weights without a tokenizer can be measured too.
  const auto tokenizer_start = std::chrono::steady_clock::now();
  if (Result<ModelText> text_side = load_text(files); text_side.ok()) {
    if (Result<Tokenizer> built = Tokenizer::build(std::move(text_side.value().tokenizer)); built.ok()) {
      out.tokenizer = std::move(built.value());
      out.tokenizer_seconds = seconds_since(tokenizer_start);
    }
  }
  return out;
}

BenchOptions how_to(const Options& options, int64_t batch, const Context& context) {
  BenchOptions how;
  how.repetitions = options.repetitions;
  how.warm_up = !options.no_warm_up;
  how.chunk = batch;
  how.arithmetic = options.device.arithmetic();
  how.kv_type = options.device.kv_type();
  how.cancel = &context.interrupted;
  return how;
}

// What a row says beside the speed.
BenchRow row_of(const Loaded& loaded, const Device& device, BenchResult result, int64_t batch, const Options& options) {
  const ModelInfo& info = loaded.model->info();
  const TokenCost cost = token_cost(info);
  BenchRow row;
  row.model = loaded.name;
  row.architecture = info.architecture;
  row.file_bytes = loaded.file_bytes;
  row.parameters = info.parameters;
  row.isa = isa_name(device.isa());
  row.kv = kv_type_name(options.device.kv_type());
  row.exact = options.device.exact;
  row.threads = device.threads();
  row.chunk = batch;
  row.load_seconds = loaded.load_seconds;
  row.tokenizer_seconds = loaded.tokenizer_seconds;
  row.memory = memory_use();
  row.step_bytes = cost.weight_bytes + kv_bytes_per_position(*loaded.model, options.device.kv_type()) *
                                           mean_depth(result.test) * static_cast<double>(result.test.sequences);
  // A prompt needs the head only for its last token.
  row.token_macs = result.test.prompt > 0 ? cost.macs - static_cast<double>(info.hidden * info.vocab) : cost.macs;
  row.result = std::move(result);
  return row;
}

Result<BenchRow> measure(const Loaded& loaded, const Device& device, const BenchCase& test, int64_t batch,
                         const Options& options, const Context& context) {
  std::optional<ProbeResult> before;
  if (!options.no_probe) before = probe(device);
  MANG_TRY(BenchResult result, run_bench(*loaded.model, device, test, how_to(options, batch, context)));
  BenchRow row = row_of(loaded, device, std::move(result), batch, options);
  if (before) {
    const ProbeResult after = probe(device);
    row.peak = MachinePeak{(before->read_bytes_per_second + after.read_bytes_per_second) / 2,
                           (before->int8_macs_per_second + after.int8_macs_per_second) / 2};
    row.predicted = predicted(*loaded.model, test, *before, options.device);
  }
  return row;
}

BenchForm form_of(const Options& options) {
  if (options.output == "json") return BenchForm::json;
  if (options.output == "jsonl") return BenchForm::json_lines;
  return options.output == "csv" ? BenchForm::csv : BenchForm::markdown;
}

BenchColumns columns_of(const Options& options, const std::vector<BenchCase>& tests) {
  BenchColumns columns;
  columns.batch = options.batch != std::vector<int64_t>{kUsualBatch};
  columns.kv = !options.device.kv.empty();
  columns.exact = options.device.exact;
  for (const std::string& model : options.models)
    columns.model_width = std::max(columns.model_width, table_name(model).size());
  for (const BenchCase& test : tests) columns.test_width = std::max(columns.test_width, bench_name(test).size());
  return columns;
}

// The rows as they are measured, to standard output at once: a long series that is stopped has shown what it found.
class Table {
 public:
  Table(const Options& options, const std::vector<BenchCase>& tests, Context& context)
      : form_(form_of(options)), columns_(columns_of(options, tests)), context_(context) {}

  Result<void> add(const BenchRow& row) {
    if (first_) context_.out.write(bench_head(form_, columns_));
    context_.out.write(bench_row(form_, columns_, row, first_));
    first_ = false;
    last_peak_ = row.peak;
    return context_.out.flush();
  }
  void end() {
    if (first_) return;
    context_.out.write(bench_foot(form_));
    if (form_ == BenchForm::markdown && last_peak_) {
      context_.out.write(
          say("\nShares are of what probes found just before and after each row: {:.1f} GB/s read\n"
              "and {:.0f} GMAC/s int8 beside the last one.\n",
              last_peak_->read_bytes / 1e9, last_peak_->int8_macs / 1e9));
    }
  }

 private:
  BenchForm form_;
  BenchColumns columns_;
  Context& context_;
  bool first_ = true;
  std::optional<MachinePeak> last_peak_;
};

// One repetition, and its row, for each line of standard input, until it ends.
Result<void> measure_in_turns(const Loaded& loaded, const Device& device, const BenchCase& test, int64_t batch,
                              const Options& options, Table& table, Context& context) {
  MANG_TRY(BenchRun run, BenchRun::prepare(*loaded.model, device, test, how_to(options, batch, context)));
  if (!options.no_warm_up) MANG_TRY(run.warm_up());
  LineReader lines(size_t{1} << 16);
  std::string line;
  for (;;) {
    MANG_TRY(bool more, lines.next(line, [] { return Result<void>(); }));
    if (!more) return {};
    MANG_TRY(run.repeat());
    MANG_TRY(table.add(row_of(loaded, device, run.last(), batch, options)));
  }
}

// One repetition, told operation by operation.
Result<void> measure_operations(const Loaded& loaded, Device& device, const BenchCase& test, int64_t batch,
                                const Options& options, Context& context) {
  const ProbeResult peak = probe(device);
  MANG_TRY(BenchRun run, BenchRun::prepare(*loaded.model, device, test, how_to(options, batch, context)));
  MANG_TRY(run.warm_up());
  OpTrace trace;
  device.set_trace(&trace);
  const Result<void> repeated = run.repeat();
  device.set_trace(nullptr);
  MANG_TRY(repeated);
  const BenchResult result = run.last();
  const double seconds = result.seconds.back();
  if (form_of(options) == BenchForm::json || form_of(options) == BenchForm::json_lines) {
    context.out.write(ops_json(loaded.name, test, trace, seconds, peak));
  } else {
    const std::string title = say("{}: {}, {}, {} threads: {:.1f} tokens/s", loaded.name, bench_name(test),
                                  isa_name(device.isa()), device.threads(), result.mean);
    context.out.write(ops_table(title, trace, seconds, peak) + "\n");
  }
  return context.out.flush();
}

Result<void> measure_rows(const Loaded& loaded, Device& device, const std::vector<BenchCase>& tests,
                          const Options& options, Table& table, Context& context) {
  for (int64_t batch : options.batch) {
    for (const BenchCase& test : tests) {
      const WatchInterrupts watch;  // so that the table is ended
      if (options.ops) {
        MANG_TRY(measure_operations(loaded, device, test, batch, options, context));
        continue;
      }
      if (options.turns) {
        MANG_TRY(measure_in_turns(loaded, device, test, batch, options, table, context));
        continue;
      }
      std::optional<StatusLine> status(std::in_place, say("{}: {} …", loaded.name, bench_name(test)));
      MANG_TRY(BenchRow row, measure(loaded, device, test, batch, options, context));
      status.reset();
      MANG_TRY(table.add(row));
    }
  }
  return {};
}

Result<void> measure_all(const Options& options, const std::vector<BenchCase>& tests, Table& table, Context& context) {
  const std::vector<int> thread_counts = options.threads.empty() ? std::vector<int>{0} : options.threads;
  for (int threads : thread_counts) {
    DeviceOptions device = options.device;
    device.threads = threads;
    MANG_TRY(Machine machine, open_machine(device));
    for (const std::string& text : options.models) {
      MANG_TRY(Loaded loaded, load(text, *machine.device, context));
      MANG_TRY(measure_rows(loaded, *machine.device, tests, options, table, context));
    }
  }
  return {};
}

Result<int> bench(const Options& options, Context& context) {
  const bool json = options.output == "json" || options.output == "jsonl";
  if (options.speculation.wanted) {
    SpeculationCommand how = options.speculation;
    how.draft = options.determinism.draft;
    how.tokens = std::max<int64_t>(options.generate.front(), 2);
    how.pairs = options.repetitions;
    how.threads = options.threads.empty() ? 0 : options.threads.front();
    return bench_speculation(how, options.models, options.device, json, context);
  }
  if (options.determinism.wanted) {
    return bench_determinism(options.determinism, options.models, options.device, json, context);
  }
  const std::vector<BenchCase> tests = cases(options);
  if (tests.empty()) return usage_error("bench", tr("there is nothing to measure: -p and -n are both 0."));
  const size_t rows =
      tests.size() * options.models.size() * options.batch.size() * std::max<size_t>(options.threads.size(), 1);
  if (options.turns && rows > 1) {
    return usage_error("bench", tr("--turns measures one test: one model, one number for each option."));
  }
  if (options.ops && form_of(options) == BenchForm::csv) {
    return usage_error("bench", tr("--ops writes a table or JSON, not CSV."));
  }
  Table table(options, tests, context);
  const Result<void> measured = measure_all(options, tests, table, context);
  table.end();
  MANG_TRY(measured);
  return kExitOk;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "bench", tr("Measure speed, as llama-bench does, beside the machine's limits"));
  auto list = [&](const char* names, auto& variable, const std::string& help, auto least) {
    using T = typename std::remove_reference_t<decltype(variable)>::value_type;
    command->add_option(names, variable, help)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Range(static_cast<T>(least), static_cast<T>(1 << 24)))
        ->type_name("N,N");
  };
  command->add_option("MODEL,-m,--model", options->models, tr("Models"))->required()->type_name("MODEL");
  list("-p,--n-prompt", options->prompt, tr("Tokens of a prompt to read; 0: none (512)"), 0);
  list("-n,--n-gen", options->generate, tr("Tokens to generate; 0: none (128)"), 0);
  list("-d,--n-depth", options->depth, tr("Tokens already there before (0)"), 0);
  list("-b,--batch-size", options->batch, tr("Most tokens in one forward (512)"), 1);
  list("--sequences", options->sequences, tr("Sequences worked on together (1)"), 1);
  command->add_option("--beside", options->beside, tr("Sequences that write while prompts are read (0)"))
      ->check(CLI::Range(int64_t{0}, int64_t{4096}))
      ->type_name("N");
  list("-t,--threads", options->threads, tr("Threads (all cores)"), 1);
  command->add_option("-r,--repetitions", options->repetitions, tr("Repetitions of each test (5)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1000}))
      ->type_name("N");
  CLI::Option* output = command->add_option("-o,--output", options->output, tr("md, csv, json or jsonl"));
  output->check(CLI::IsMember({"md", "csv", "json", "jsonl"}));
  command
      ->add_flag(
          "--json", [options](int64_t) { options->output = "json"; }, tr("The same as -o json"))
      ->excludes(output);
  command->add_flag("--no-warmup", options->no_warm_up, tr("No unmeasured run before"));
  command->add_flag("--no-probe", options->no_probe, tr("Do not probe the machine's limits around each row"));
  command->add_flag("--turns", options->turns,
                    tr("One repetition for each line of standard input, to measure in turn with another program"));
  command
      ->add_flag("--ops", options->ops, tr("Where the time goes: each operation of one run beside the machine's limit"))
      ->excludes("--turns");
  add_determinism_options(*command, options->determinism);
  add_speculation_bench_options(*command, options->speculation);
  add_device_options(*command, options->device, false);
  command->callback([options, &action] { action = [options](Context& context) { return bench(*options, context); }; });
}

}  // namespace mang::cli
