// Rows of `mang bench` as Markdown, CSV or JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

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
  BenchResult result;
  std::optional<MachinePeak> peak;
  // What a token must cost at least: bytes read for each step of generation, and multiply-accumulates.
  double step_bytes = 0;
  double token_macs = 0;

  // Shares of the probed peaks; nullopt where the row does not lean on that limit or nothing was probed.
  [[nodiscard]] std::optional<double> bandwidth_share() const;
  [[nodiscard]] std::optional<double> int8_share() const;
};

std::string bench_markdown(const std::vector<BenchRow>& rows);
std::string bench_csv(const std::vector<BenchRow>& rows);
std::string bench_json(const std::vector<BenchRow>& rows);

// Bytes of weights and multiply-accumulates of one token through all matrices, the head included: what a decode step
// with one sequence must at least read and compute. An untied token embedding is looked up, not multiplied.
struct TokenCost {
  double weight_bytes = 0;
  double macs = 0;
};
TokenCost token_cost(const ModelInfo& info);

}  // namespace mang::cli
