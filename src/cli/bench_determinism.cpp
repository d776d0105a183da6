#include "cli/bench_determinism.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/io.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/page.h"
#include "cli/progress.h"
#include "engine/determinism.h"
#include "load/load_model.h"
#include "load/model_files.h"

namespace mang::cli {
namespace {

// How far it is, in one line of the terminal.
class ProgressBar {
 public:
  ProgressBar() : terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (open_) fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(int64_t done, int64_t total) {
    constexpr auto kOften = std::chrono::milliseconds(200);
    constexpr int64_t kWidth = 30;
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - last_ < kOften) return;
    last_ = now;
    open_ = true;
    const auto filled = static_cast<size_t>(kWidth * done / total);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double left = seconds * static_cast<double>(total - done) / static_cast<double>(done);
    fmt::print(stderr, "\r\033[K[{}{}] {}", std::string(filled, '#'), std::string(kWidth - filled, '-'),
               say("{} of {} answers, about {:.0f} s left", done, total, left));
    std::fflush(stderr);
  }

 private:
  bool terminal_;
  bool open_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_{};
};

DeterminismOptions how_to(const DeterminismCommand& command, const DeviceOptions& device, const Context& context) {
  DeterminismOptions options;
  options.prompts = command.prompts;
  options.arithmetic = device.arithmetic();
  if (device.exact || !device.kv.empty()) options.kv_types = {device.kv_type()};
  if (const auto isa = isa_from_name(device.isa)) options.isas = {*isa};
  options.cancel = &context.interrupted;
  return options;
}

std::string where(const Difference& d) {
  return d.drawn ? say("prompt {}, drawn tokens, token {}", d.prompt + 1, d.token + 1)
                 : say("prompt {}, the best tokens, token {}", d.prompt + 1, d.token + 1);
}

std::string page_of(const std::string& name, const DeterminismReport& report, size_t width) {
  Page page(2, 12, width);
  page.title(name);
  const auto rows = static_cast<int64_t>(report.ways.size()) - report.plain_ways;
  page.row(tr("compared"),
           say("{} answers ({} tokens): {} prompts, each by the best tokens and by drawn ones, in {} ways",
               report.answers, report.tokens, report.prompts, rows));
  page.row(tr("ways"),
           tr("batch, threads, chunk, prefix cache, drafts, preemption, KV type, instruction set: every two "
              "values of two of them meet"));
  page.row(tr("met"), say("{} tokens from the cache, {} drafted tokens right and {} wrong, {} preemptions",
                          report.cached_tokens, report.accepted_drafts, report.rejected_drafts, report.preemptions));
  page.row(tr("took"), say("{:.0f} s", report.seconds));
  page.row("SHA-256", report.sha256);
  if (!report.first) {
    page.row(tr("result"), tr("the same: every token, and every bit of the logits it was drawn from"));
    return page.text();
  }
  page.row(tr("result"), say("NOT the same: {} answers differ", report.different));
  page.row(tr("first"), where(*report.first));
  page.row(tr("there"), report.first->way.name());
  if (report.first->expected == report.first->got) {
    page.row(tr("differs"), say("the logits; the token is {} in both", report.first->got));
  } else {
    page.row(tr("differs"), say("token {} instead of {}", report.first->got, report.first->expected));
  }
  return page.text();
}

Json json_of(const std::string& name, const DeterminismReport& report) {
  Json ways = Json::array();
  for (const WorkingWay& way : report.ways) ways.push_back(way.name());
  Json first = nullptr;
  if (report.first) {
    first = {{"way", report.first->way.name()}, {"prompt", report.first->prompt},     {"drawn", report.first->drawn},
             {"token", report.first->token},    {"expected", report.first->expected}, {"got", report.first->got}};
  }
  return {{"model", name},
          {"same", report.different == 0},
          {"answers", report.answers},
          {"tokens", report.tokens},
          {"prompts", report.prompts},
          {"different", report.different},
          {"first_difference", first},
          {"sha256", report.sha256},
          {"plain_ways", report.plain_ways},
          {"ways", ways},
          {"cached_tokens", report.cached_tokens},
          {"accepted_drafts", report.accepted_drafts},
          {"rejected_drafts", report.rejected_drafts},
          {"preemptions", report.preemptions},
          {"seconds", report.seconds}};
}

Result<std::unique_ptr<Model>> load(const std::string& path, const Device& device, const Context& context) {
  MANG_TRY(ModelFiles files, ModelFiles::open(path, context.log));
  const StatusLine status(say("Loading {} …", std::filesystem::path(path).filename().string()));
  return load_weights(files, device, context.log);
}

Result<DeterminismReport> check(const std::string& path, const DeterminismCommand& command, const DeviceOptions& device,
                                const Context& context) {
  MANG_TRY(const Machine machine, open_machine({}));
  MANG_TRY(const std::unique_ptr<Model> model, load(path, *machine.device, context));
  std::unique_ptr<Model> draft;
  if (command.draft) {
    MANG_TRY(const ModelRef ref, resolve_model(*command.draft, context));
    MANG_TRY(draft, load(ref.path, *machine.device, context));
  }
  DeterminismOptions options = how_to(command, device, context);
  options.draft_model = draft.get();
  ProgressBar bar;
  options.on_progress = [&](int64_t done, int64_t total) { bar.show(done, total); };
  const WatchInterrupts watch;
  return check_determinism(*model, options);
}

}  // namespace

void add_determinism_options(CLI::App& command, DeterminismCommand& options) {
  command.add_flag("--determinism", options.wanted,
                   tr("Instead: whether answers are the same bit for bit, whatever the machine does meanwhile"));
  command.add_option("--prompts", options.prompts, tr("Prompts that --determinism compares (20)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->type_name("N");
  command
      .add_option("--draft", options.draft,
                  tr("A smaller model with the same vocabulary that drafts, for --speculation and --determinism"))
      ->type_name("MODEL");
}

Result<int> bench_determinism(const DeterminismCommand& options, const std::vector<std::string>& models,
                              const DeviceOptions& device, bool json, Context& context) {
  MANG_TRY(open_machine(device));  // an instruction set that is not here is told before a model is loaded
  int code = kExitOk;
  for (const std::string& name : models) {
    MANG_TRY(const ModelRef ref, resolve_model(name, context));
    Result<DeterminismReport> report = check(ref.path, options, device, context);
    if (!report.ok() && context.interrupted.load()) return kExitInterrupted;
    MANG_TRY(report);
    context.out.write(json ? dump_json(json_of(name, *report)) + "\n" : page_of(name, *report, context.out.width()));
    MANG_TRY(context.out.flush());
    if (report->different > 0) code = kExitFailed;
  }
  return code;
}

}  // namespace mang::cli
