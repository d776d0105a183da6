#include "cli/bench_table.h"

#include <algorithm>

#include "base/json.h"
#include "base/units.h"
#include "cli/messages.h"
#include "engine/speed_estimate.h"

namespace mang::cli {
namespace {

std::string percent(const std::optional<double>& share) { return share ? fmt::format("{:.0f} %", 100 * *share) : "–"; }

// A field of a CSV file: quoted where it must be (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// One row as ordered (name, value) pairs: the same for CSV and JSON.
Json fields(const BenchRow& row) {
  const BenchResult& result = row.result;
  Json out = {{"model", row.model},
              {"architecture", row.architecture},
              {"model_bytes", row.file_bytes},
              {"parameters", row.parameters},
              {"isa", row.isa},
              {"threads", row.threads},
              {"kv", row.kv},
              {"exact", row.exact},
              {"chunk", row.chunk},
              {"test", bench_name(result.test)},
              {"n_prompt", result.test.prompt},
              {"n_gen", result.test.generate},
              {"n_depth", result.test.depth},
              {"sequences", result.test.sequences},
              {"beside", result.test.beside},
              {"tokens", result.tokens},
              {"repetitions", result.seconds.size()},
              {"tokens_per_second", result.mean},
              {"deviation", result.deviation},
              {"median", result.median}};
  out["bandwidth_share"] = row.bandwidth_share() ? Json(*row.bandwidth_share()) : Json();
  out["int8_share"] = row.int8_share() ? Json(*row.int8_share()) : Json();
  out["predicted_tokens_per_second"] = row.predicted > 0 ? Json(row.predicted) : Json();
  out["probed_read_bytes_per_second"] = row.peak ? Json(row.peak->read_bytes) : Json();
  out["probed_int8_macs_per_second"] = row.peak ? Json(row.peak->int8_macs) : Json();
  out["load_seconds"] = row.load_seconds;
  out["tokenizer_seconds"] = row.tokenizer_seconds;
  out["resident_bytes"] = row.memory.resident;
  out["peak_resident_bytes"] = row.memory.peak;
  out["step_bytes"] = row.step_bytes;
  out["token_macs"] = row.token_macs;
  return out;
}

// Cells of a Markdown row, lined up.
class Cells {
 public:
  void left(const std::string& text, size_t width) { out_ += fmt::format(" {:<{}} |", text, width); }
  void right(const std::string& text, size_t width) { out_ += fmt::format(" {:>{}} |", text, width); }
  [[nodiscard]] std::string line() const { return out_ + "\n"; }

 private:
  std::string out_ = "|";
};

constexpr size_t kIsa = 7, kThreads = 7, kSize = 8, kSpeed = 17, kShare = 9, kPredicted = 15;

std::string markdown_head(const BenchColumns& columns) {
  Cells names;
  std::string rule = "|";
  auto left = [&](const std::string& name, size_t width) {
    names.left(name, width);
    rule += std::string(width + 2, '-') + "|";
  };
  auto right = [&](const std::string& name, size_t width) {
    names.right(name, width);
    rule += std::string(width + 1, '-') + ":|";
  };
  left(tr("model"), columns.model_width);
  right(tr("size"), kSize);
  right(tr("weights"), kSize);
  left(tr("isa"), kIsa);
  right(tr("threads"), kThreads);
  if (columns.batch) right(tr("batch"), kThreads);
  if (columns.kv) left(tr("kv"), kThreads);
  if (columns.exact) left(tr("exact"), kThreads);
  left(tr("test"), columns.test_width);
  right(tr("tokens/s"), kSpeed);
  right(tr("bandwidth"), kShare);
  right(tr("int8 peak"), kShare);
  right(tr("predicted"), kPredicted);
  return names.line() + rule + "\n";
}

std::string markdown_row(const BenchColumns& columns, const BenchRow& row) {
  Cells cells;
  cells.left(row.model, columns.model_width);
  cells.right(human_bytes(row.file_bytes), kSize);
  cells.right(human_count(row.parameters), kSize);
  cells.left(row.isa, kIsa);
  cells.right(fmt::format("{}", row.threads), kThreads);
  if (columns.batch) cells.right(fmt::format("{}", row.chunk), kThreads);
  if (columns.kv) cells.left(row.kv, kThreads);
  if (columns.exact) cells.left(row.exact ? tr("yes") : tr("no"), kThreads);
  cells.left(bench_name(row.result.test), columns.test_width);
  cells.right(fmt::format("{:.2f} ± {:.2f}", row.result.mean, row.result.deviation), kSpeed);
  cells.right(percent(row.bandwidth_share()), kShare);
  cells.right(percent(row.int8_share()), kShare);
  const auto beside = row.beside_prediction();
  cells.right(beside ? fmt::format("{:.1f} ({:+.0f} %)", row.predicted, 100 * *beside) : "–", kPredicted);
  return cells.line();
}

std::string csv_row(const BenchRow& row, bool first) {
  std::string names, values;
  const Json all = fields(row);
  for (const auto& [name, value] : all.items()) {
    if (!names.empty()) {
      names += ',';
      values += ',';
    }
    names += name;
    values += csv_field(value.is_null() ? "" : value.is_string() ? value.get<std::string>() : dump_json(value));
  }
  return (first ? names + "\n" : "") + values + "\n";
}

std::string json_object(const BenchRow& row) {
  Json out = fields(row);
  out["seconds"] = row.result.seconds;
  return dump_json(out);
}

}  // namespace

std::optional<double> BenchRow::bandwidth_share() const {
  if (!peak || peak->read_bytes <= 0 || result.test.prompt > 0 || result.test.sequences < 1) return std::nullopt;
  const double steps = result.mean / static_cast<double>(result.test.sequences);
  return steps * step_bytes / peak->read_bytes;
}

std::optional<double> BenchRow::int8_share() const {
  if (!peak || peak->int8_macs <= 0 || exact) return std::nullopt;
  return result.mean * token_macs / peak->int8_macs;
}

std::optional<double> BenchRow::beside_prediction() const {
  if (predicted <= 0) return std::nullopt;
  return result.mean / predicted - 1;
}

std::string bench_head(BenchForm form, const BenchColumns& columns) {
  if (form == BenchForm::markdown) return markdown_head(columns);
  return form == BenchForm::json ? "[" : "";
}

std::string bench_row(BenchForm form, const BenchColumns& columns, const BenchRow& row, bool first) {
  switch (form) {
    case BenchForm::markdown:
      return markdown_row(columns, row);
    case BenchForm::csv:
      return csv_row(row, first);
    case BenchForm::json:
      return (first ? "" : ",\n") + json_object(row);
    case BenchForm::json_lines:
      return json_object(row) + "\n";
  }
  return {};
}

std::string bench_foot(BenchForm form) { return form == BenchForm::json ? "]\n" : ""; }

TokenCost token_cost(const ModelInfo& info) {
  const TokenWork work = token_work(info, static_cast<double>(info.weight_bytes), 0);
  return {.weight_bytes = work.weight_bytes,
          .macs = work.prompt_macs + static_cast<double>(info.hidden) * static_cast<double>(info.vocab)};
}

}  // namespace mang::cli
