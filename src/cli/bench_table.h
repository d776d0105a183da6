// Rows of `mang bench` as Markdown, CSV or JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/memory_use.h"
#include "engine/bench.h"

namespace mang::cli {

// What the machine could do when the row was measured: probed before and after it.
struct MachinePeak {
  double read_bytes = 0;  // memory bandwidth, bytes a second
  double int8_macs = 0;   // multiply-accumulates a second
};

struct BenchRow {
  std::string model;  // a name for the table
  std::string architecture;
  uint64_t file_bytes = 0;
  uint64_t parameters = 0;
  std::string isa;
  std::string kv;
  bool exact = false;
  int threads = 0;
  int64_t chunk = 0;
  double load_seconds = 0;       // opening the files until the weights are ready
  double tokenizer_seconds = 0;  // reading the tokenizer, which `mang run` needs too; 0: the model has none
  MemoryUse memory;              // after the row
  BenchResult result;
  std::optional<MachinePeak> peak;
  // What a token must cost at least: bytes read for each step of generation, and multiply-accumulates.
  double step_bytes = 0;
  double token_macs = 0;
  // Tokens a second that engine/speed_estimate.h expected, by the probe before the row; 0: it says nothing of such
  // rows.
  double predicted = 0;

  // Shares of the probed peaks; nullopt where the row does not lean on that limit or nothing was probed.
  [[nodiscard]] std::optional<double> bandwidth_share() const;
  [[nodiscard]] std::optional<double> int8_share() const;
  // How far the measured speed is from the predicted one: 0.1 is 10 % faster.
  [[nodiscard]] std::optional<double> beside_prediction() const;
};

enum class BenchForm { markdown, csv, json, json_lines };

// The columns of the Markdown table that depend on what was asked. CSV and JSON always have all.
struct BenchColumns {
  bool batch = false;      // tokens in one forward
  bool kv = false;         // type of the KV cache
  bool exact = false;      // exact arithmetic
  size_t model_width = 8;  // of names, to line rows up
  size_t test_width = 8;
};

// The table in pieces, so that each row can be shown as soon as it is measured: what comes before the rows, a row, and
// what comes after.
std::string bench_head(BenchForm form, const BenchColumns& columns);
std::string bench_row(BenchForm form, const BenchColumns& columns, const BenchRow& row, bool first);
std::string bench_foot(BenchForm form);

// Bytes of weights and multiply-accumulates of one token through all matrices, the head included: what a decode step
// with one sequence must at least read and compute. An untied token embedding is looked up, not multiplied.
struct TokenCost {
  double weight_bytes = 0;
  double macs = 0;
};
TokenCost token_cost(const ModelInfo& info);

}  // namespace mang::cli
