#include "cli/bench_table.h"

#include <algorithm>

#include "base/json.h"
#include "base/units.h"
#include "cli/messages.h"

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
              {"tokens", result.tokens},
              {"repetitions", result.seconds.size()},
              {"tokens_per_second", result.mean},
              {"deviation", result.deviation},
              {"median", result.median}};
  out["bandwidth_share"] = row.bandwidth_share() ? Json(*row.bandwidth_share()) : Json();
  out["int8_share"] = row.int8_share() ? Json(*row.int8_share()) : Json();
  out["probed_read_bytes_per_second"] = row.peak ? Json(row.peak->read_bytes) : Json();
  out["probed_int8_macs_per_second"] = row.peak ? Json(row.peak->int8_macs) : Json();
  return out;
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

std::string bench_markdown(const std::vector<BenchRow>& rows) {
  std::string out =
      tr("| model | size | parameters | isa | threads | test | tokens/s | of bandwidth | of int8 peak |\n"
         "|---|---:|---:|---|---:|---|---:|---:|---:|\n");
  for (const BenchRow& row : rows) {
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {:.2f} ± {:.2f} | {} | {} |\n", row.model,
                       human_bytes(row.file_bytes), human_count(row.parameters), row.isa, row.threads,
                       bench_name(row.result.test), row.result.mean, row.result.deviation,
                       percent(row.bandwidth_share()), percent(row.int8_share()));
  }
  return out;
}

std::string bench_csv(const std::vector<BenchRow>& rows) {
  std::string out;
  for (const BenchRow& row : rows) {
    const Json all = fields(row);
    std::string names, values;
    for (const auto& [name, value] : all.items()) {
      names += (names.empty() ? "" : ",") + name;
      const std::string text = value.is_null() ? "" : value.is_string() ? value.get<std::string>() : dump_json(value);
      if (name != "model") values += ",";
      values += csv_field(text);
    }
    if (out.empty()) out = names + "\n";
    out += values + "\n";
  }
  return out;
}

std::string bench_json(const std::vector<BenchRow>& rows) {
  Json all = Json::array();
  for (const BenchRow& row : rows) {
    all.push_back(fields(row));
    all.back()["seconds"] = row.result.seconds;
  }
  return dump_json(all) + "\n";
}

TokenCost token_cost(const ModelInfo& info) {
  const auto d = [](int64_t n) { return static_cast<double>(n); };
  const double attention = d(info.hidden) * d(info.head_dim) * (2 * d(info.heads) + 2 * d(info.kv_heads));
  const double feed_forward = 3 * d(info.hidden) * d(info.intermediate);
  TokenCost cost;
  cost.macs = d(info.layers) * (attention + feed_forward) + d(info.hidden) * d(info.vocab);
  const auto parameters = static_cast<double>(info.parameters);
  const double multiplied = parameters > 0 ? std::min(1.0, cost.macs / parameters) : 1.0;
  cost.weight_bytes = multiplied * static_cast<double>(info.weight_bytes);
  return cost;
}

}  // namespace mang::cli
