#include "cli/bench_speculation.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/json.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "engine/model_draft.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

// Prompts of three kinds. They are continued as they are, without a chat template, so that base models can be measured.
struct Task {
  const char* name;
  const char* prompt;
};
constexpr Task kTasks[] = {
    {"code",
     "A program:\n\n```python\ndef read_prices(path):\n    prices = {}\n    with open(path) as file:\n        for line "
     "in "
     "file:\n            name, price = line.rstrip().split(\",\")\n            prices[name] = float(price)\n    return "
     "prices\n\n\ndef total_of(basket, prices):\n    total = 0\n    for name, count in basket.items():\n        if "
     "name not "
     "in prices:\n            raise KeyError(name)\n        total += prices[name] * count\n    return total\n\n\ndef "
     "main():\n    prices = read_prices(\"prices.csv\")\n    basket = {\"rice\": 2, \"tea\": 1, \"bamboo shoots\": "
     "4}\n    "
     "print(total_of(basket, prices))\n```\n\nThe same program, with `total` renamed to `amount`:\n\n```python\n"},
    {"quote",
     "The report says:\n\nBamboo is a grass. Its shoots come out of the ground as thick as the culm will ever be, and "
     "grow "
     "to their full height in one season, some of them by almost a metre a day. What makes this possible is that all "
     "parts "
     "of the shoot grow at the same time: each section between two nodes has its own growing zone. The culm then "
     "hardens "
     "for two or three years, and the plant feeds the next shoots through its roots.\n\nThe report once more, word for "
     "word:\n\nBamboo is a grass. Its shoots"},
    {"story", "A story about a bamboo shoot that wanted to see the sea.\n\nOnce upon a time"},
};

struct Pair {
  double plain = 0;  // tokens a second
  double drafted = 0;
};

struct Row {
  std::string task;
  std::vector<Pair> pairs;
  RequestStats stats;  // of the last answer with drafts

  [[nodiscard]] double median(double (*of)(const Pair&)) const {
    std::vector<double> values;
    for (const Pair& pair : pairs) values.push_back(of(pair));
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
  }
  [[nodiscard]] double ratio() const {
    return median([](const Pair& p) { return p.drafted / p.plain; });
  }
  [[nodiscard]] double worst() const {
    double least = pairs.front().drafted / pairs.front().plain;
    for (const Pair& pair : pairs) least = std::min(least, pair.drafted / pair.plain);
    return least;
  }
};

// A model with two engines on it: one drafts, one does not.
class Subject {
 public:
  static Result<std::unique_ptr<Subject>> open(const std::string& path, const SpeculationCommand& command,
                                               const DeviceOptions& device, const Context& context) {
    auto out = std::make_unique<Subject>();
    DeviceOptions how = device;
    how.threads = command.threads;
    MANG_TRY(out->machine_, open_machine(how));
    const StatusLine status(say("Loading {} …", std::filesystem::path(path).filename().string()));
    MANG_TRY(out->loaded_, load_model(path, *out->machine_.device, context.log));
    MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(out->loaded_.text.tokenizer)));
    out->tokenizer_ = std::make_unique<Tokenizer>(std::move(tokenizer));
    if (command.draft) {
      MANG_TRY(const ModelRef ref, resolve_model(*command.draft, context));
      MANG_TRY(out->draft_, load_model(ref.path, *out->machine_.device, context.log));
      MANG_TRY(const Tokenizer words, Tokenizer::build(std::move(out->draft_.text.tokenizer)));
      MANG_TRY(check_same_vocabulary(*out->tokenizer_, words));
    }
    for (const bool drafts : {false, true}) {
      EngineOptions options;
      options.context = std::min<int64_t>(out->loaded_.model->info().context, 2048);
      options.max_sequences = 1;
      options.prefix_cache = false;
      options.kv_type = device.kv_type();
      options.arithmetic = device.arithmetic();
      if (drafts) options.speculate = Speculate::measured;
      options.draft_model = out->draft_.model.get();
      MANG_TRY(out->engines_[drafts],
               Engine::create(*out->loaded_.model, *out->machine_.device, out->tokenizer_.get(), options));
    }
    return out;
  }

  Result<Answer> answer(const Task& task, int64_t tokens, bool drafts, const Context& context) {
    Request request;
    request.prompt = tokenizer_->encode(task.prompt, {.add_special = true});
    // Models with a small context are measured on the end of the text.
    const int64_t room = std::max<int64_t>(engines_[0]->context() - tokens, 1);
    if (const auto length = static_cast<int64_t>(request.prompt.size()); length > room) {
      request.prompt.erase(request.prompt.begin(), request.prompt.begin() + (length - room));
    }
    request.sampling.max_tokens = tokens;
    request.sampling.ignore_eog = true;
    MANG_TRY(Answer answer, complete(*engines_[drafts], std::move(request), &context.interrupted));
    if (answer.done.error) return *answer.done.error;
    if (answer.done.reason == FinishReason::cancelled) return fail("Cancelled.");
    return answer;
  }

 private:
  Machine machine_;
  LoadedModel loaded_;
  std::unique_ptr<Tokenizer> tokenizer_;
  LoadedModel draft_;
  std::unique_ptr<Engine> engines_[2];  // without, with
};

Result<Row> measure(Subject& subject, const Task& task, const SpeculationCommand& command, const Context& context) {
  Row row;
  row.task = task.name;
  for (int64_t i = 0; i < command.pairs; ++i) {
    Answer answers[2];
    for (const bool second : {false, true}) {
      const bool drafts = second == (i % 2 == 0);  // who comes first changes
      MANG_TRY(answers[drafts], subject.answer(task, command.tokens, drafts, context));
    }
    if (answers[0].ids != answers[1].ids) {
      return fail("With drafts the answer to '{}' is another than without: this must never be. Please report it.",
                  task.name);
    }
    row.pairs.push_back({answers[0].done.stats.decode_speed(), answers[1].done.stats.decode_speed()});
    row.stats = answers[1].done.stats;
  }
  return row;
}

std::string line_of(const std::string& model, const Row& row) {
  const RequestStats& s = row.stats;
  const double share =
      s.drafted_tokens > 0 ? 100.0 * static_cast<double>(s.accepted_tokens) / static_cast<double>(s.drafted_tokens) : 0;
  const double steps = static_cast<double>(s.generated_tokens - s.accepted_tokens);
  return fmt::format("| {} | {} | {:.1f} | {:.1f} | {:.2f} ({:.2f}) | {:.0f} % | {:.2f} | {} |\n", model, row.task,
                     row.median([](const Pair& p) { return p.plain; }),
                     row.median([](const Pair& p) { return p.drafted; }), row.ratio(), row.worst(), share,
                     static_cast<double>(s.generated_tokens) / steps, s.declined_steps);
}

Json json_of(const std::string& model, const Row& row) {
  Json pairs = Json::array();
  for (const Pair& pair : row.pairs) pairs.push_back({pair.plain, pair.drafted});
  return {{"model", model},
          {"task", row.task},
          {"pairs", pairs},
          {"ratio", row.ratio()},
          {"worst_ratio", row.worst()},
          {"drafted_tokens", row.stats.drafted_tokens},
          {"accepted_tokens", row.stats.accepted_tokens},
          {"generated_tokens", row.stats.generated_tokens},
          {"drafted_steps", row.stats.drafted_steps},
          {"declined_steps", row.stats.declined_steps}};
}

}  // namespace

void add_speculation_bench_options(CLI::App& command, SpeculationCommand& options) {
  command.add_flag("--speculation", options.wanted,
                   tr("Instead: what drafts gain, in pairs of answers with and without"));
}

Result<int> bench_speculation(const SpeculationCommand& options, const std::vector<std::string>& models,
                              const DeviceOptions& device, bool json, Context& context) {
  if (!json) {
    context.out.write(tr(
        "| model | text | tokens/s without | with drafts | ratio (worst) | drafts right | tokens a step | declined |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|\n"));
  }
  for (const std::string& name : models) {
    MANG_TRY(const ModelRef ref, resolve_model(name, context));
    MANG_TRY(const std::unique_ptr<Subject> subject, Subject::open(ref.path, options, device, context));
    const std::string shown = ref.entry ? ref.entry->name : std::filesystem::path(ref.path).filename().string();
    for (const Task& task : kTasks) {
      std::optional<StatusLine> status(std::in_place, say("{}: {} …", shown, task.name));
      const WatchInterrupts watch;
      const Result<Row> row = measure(*subject, task, options, context);
      status.reset();
      if (!row.ok() && context.interrupted.load()) return kExitInterrupted;
      MANG_TRY(row);
      context.out.write(json ? dump_json(json_of(shown, *row)) + "\n" : line_of(shown, *row));
      MANG_TRY(context.out.flush());
    }
  }
  return kExitOk;
}

}  // namespace mang::cli
