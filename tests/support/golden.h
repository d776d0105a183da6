// The goldens in tests/golden/FAMILY/CASE: a tiny checkpoint, token ids, and what transformers answers to them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/json.h"

namespace mang::test {

struct Golden {
  std::string name;       // "llama/yarn"
  std::string directory;  // the checkpoint
  std::string gguf;       // its converted file; empty: a GGUF file cannot hold this model
  std::vector<int32_t> ids;
  std::vector<int32_t> greedy;  // what follows them at temperature 0
  std::vector<float> logits;    // [ids, vocab]
  int64_t vocab = 0;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A float32 NumPy array of two dimensions, version 1.0.
inline std::vector<float> read_npy(const std::string& path, int64_t& columns) {
  const std::string bytes = read_file(path);
  REQUIRE(bytes.size() > 10);
  REQUIRE(bytes.substr(1, 5) == "NUMPY");
  const size_t header = static_cast<uint8_t>(bytes[8]) + 256u * static_cast<uint8_t>(bytes[9]);
  const std::string text = bytes.substr(10, header);
  REQUIRE(text.find("'<f4'") != std::string::npos);
  REQUIRE(text.find("'fortran_order': False") != std::string::npos);
  const size_t comma = text.find(',', text.find("'shape': ("));
  columns = std::stoll(text.substr(comma + 1));
  std::vector<float> out((bytes.size() - 10 - header) / sizeof(float));
  std::memcpy(out.data(), bytes.data() + 10 + header, out.size() * sizeof(float));
  return out;
}

inline Golden read_golden(const std::string& directory) {
  const auto list = [&](const std::string& name) {
    auto json = parse_json(read_file(directory + "/" + name), name);
    REQUIRE(json.ok());
    return json->get<std::vector<int32_t>>();
  };
  const std::filesystem::path path(directory);
  Golden out;
  out.name = path.parent_path().filename().string() + "/" + path.filename().string();
  out.directory = directory;
  if (std::filesystem::exists(directory + "/model.gguf")) out.gguf = directory + "/model.gguf";
  out.ids = list("ids.json");
  out.greedy = list("greedy.json");
  out.logits = read_npy(directory + "/logits.npy", out.vocab);
  REQUIRE(out.logits.size() == out.ids.size() * static_cast<size_t>(out.vocab));
  return out;
}

// Every case of every model family, sorted by name.
inline std::vector<Golden> all_goldens() {
  std::vector<Golden> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(MANG_SOURCE_DIR "/tests/golden")) {
    if (entry.path().filename() == "case.json") out.push_back(read_golden(entry.path().parent_path().string()));
  }
  std::sort(out.begin(), out.end(), [](const Golden& a, const Golden& b) { return a.name < b.name; });
  REQUIRE(out.size() >= 20);
  return out;
}

inline Golden golden(const std::string& name) { return read_golden(MANG_SOURCE_DIR "/tests/golden/" + name); }

// How far logits [rows, vocab] lie from the reference's. NaN anywhere makes every figure NaN or infinite.
struct Distance {
  double mean_kld = 0;   // KL(reference ‖ ours), averaged over the rows
  double max_delta = 0;  // largest |Δlogit| …
  double deviation = 0;  // … and the reference's standard deviation
};

inline Distance distance(const std::vector<float>& reference, const std::vector<float>& ours, int64_t vocab) {
  REQUIRE(reference.size() == ours.size());
  const auto log_sum = [&](const float* row) {
    double largest = row[0];
    for (int64_t i = 1; i < vocab; ++i) largest = std::max<double>(largest, row[i]);
    double sum = 0;
    for (int64_t i = 0; i < vocab; ++i) sum += std::exp(row[i] - largest);
    return largest + std::log(sum);
  };
  Distance out;
  double total = 0;
  double squares = 0;
  const size_t rows = reference.size() / static_cast<size_t>(vocab);
  for (size_t r = 0; r < rows; ++r) {
    const float* p = reference.data() + r * static_cast<size_t>(vocab);
    const float* q = ours.data() + r * static_cast<size_t>(vocab);
    const double p_sum = log_sum(p);
    const double q_sum = log_sum(q);
    for (int64_t i = 0; i < vocab; ++i) {
      out.mean_kld += std::exp(p[i] - p_sum) * ((p[i] - p_sum) - (q[i] - q_sum)) / static_cast<double>(rows);
      const double delta = std::abs(static_cast<double>(p[i]) - q[i]);
      if (!(delta <= out.max_delta)) out.max_delta = delta;  // NaN is taken and stays
      total += p[i];
      squares += static_cast<double>(p[i]) * p[i];
    }
  }
  const auto n = static_cast<double>(reference.size());
  out.deviation = std::sqrt(squares / n - total / n * (total / n));
  return out;
}

}  // namespace mang::test
