#include "cli/bench_table.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/json.h"

namespace mang::cli {
namespace {

BenchRow sample(int64_t prompt, int64_t generate) {
  BenchRow row;
  row.model = "a, \"b\"";
  row.architecture = "llama";
  row.file_bytes = 1'000'000;
  row.parameters = 2'000'000;
  row.isa = "avx2";
  row.kv = "f16";
  row.threads = 2;
  row.chunk = 512;
  row.result.test = {.prompt = prompt, .generate = generate, .depth = 0, .sequences = 2};
  row.result.tokens = 100;
  row.result.seconds = {1.0, 1.0};
  row.result.mean = row.result.median = 100;
  row.peak = MachinePeak{.read_bytes = 1e9, .int8_macs = 1e10};
  row.step_bytes = 1e7;
  row.token_macs = 5e6;
  return row;
}

std::string table(BenchForm form, const std::vector<BenchRow>& rows, const BenchColumns& columns = {}) {
  std::string out = bench_head(form, columns);
  for (size_t i = 0; i < rows.size(); ++i) out += bench_row(form, columns, rows[i], i == 0);
  return out + bench_foot(form);
}

TEST_CASE("shares are of the limit a row leans on") {
  const BenchRow decode = sample(0, 50);
  CHECK(*decode.bandwidth_share() == doctest::Approx(0.5));  // 100 tokens/s of 2 sequences: 50 steps of 10 MB
  CHECK(*decode.int8_share() == doctest::Approx(0.05));
  const BenchRow prefill = sample(512, 0);
  CHECK(!prefill.bandwidth_share());
  CHECK(*prefill.int8_share() == doctest::Approx(0.05));
  BenchRow unprobed = sample(0, 50);
  unprobed.peak.reset();
  CHECK(!unprobed.bandwidth_share());
  BenchRow expected = sample(0, 50);
  CHECK(!expected.beside_prediction());
  expected.predicted = 80;
  CHECK(*expected.beside_prediction() == doctest::Approx(0.25));
  BenchRow exact = sample(512, 0);
  exact.exact = true;
  CHECK(!exact.int8_share());
}

TEST_CASE("the three forms of the table hold the same rows") {
  const std::vector<BenchRow> rows = {sample(512, 0), sample(0, 50)};
  const std::string markdown = table(BenchForm::markdown, rows);
  CHECK(std::count(markdown.begin(), markdown.end(), '\n') == 4);
  CHECK(markdown.find("100.00 ± 0.00") != std::string::npos);
  CHECK(markdown.find("batch") == std::string::npos);
  const std::string wide = table(BenchForm::markdown, rows, {.batch = true, .kv = true, .exact = true});
  for (const char* column : {"batch", "kv", "exact"}) CHECK(wide.find(column) != std::string::npos);
  CHECK(parse_json(table(BenchForm::json, {sample(1, 0)}), "bench").value().size() == 1);
  const Json json = parse_json(table(BenchForm::json, rows), "bench").value();
  REQUIRE(json.size() == 2);
  CHECK(json[1]["n_gen"] == 50);
  CHECK(json[0]["bandwidth_share"].is_null());
  CHECK(json[0]["model"] == "a, \"b\"");
  const std::string csv = table(BenchForm::csv, rows);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 3);
  CHECK(csv.starts_with("model,architecture,"));
  CHECK(csv.find("\n\"a, \"\"b\"\"\",llama,") != std::string::npos);
}

TEST_CASE("the cost of a token counts each multiplied weight once") {
  ModelInfo info;
  info.layers = 2;
  info.hidden = 8;
  info.heads = 2;
  info.kv_heads = 1;
  info.head_dim = 4;
  info.intermediate = 16;
  info.vocab = 100;
  const double layer = 8 * 4 * (2 * 2 + 2 * 1) + 3 * 8 * 16, head = 8 * 100;
  info.parameters = static_cast<uint64_t>(2 * layer + 2 * head);  // an untied embedding
  info.weight_bytes = info.parameters;
  CHECK(token_cost(info).macs == doctest::Approx(2 * layer + head));
  CHECK(token_cost(info).weight_bytes == doctest::Approx(2 * layer + head));
}

}  // namespace
}  // namespace mang::cli
