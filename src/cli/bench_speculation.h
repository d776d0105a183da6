// mang bench --speculation: what drafts gain, in pairs with and without, on texts that repeat themselves and on one
// that does not.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/device_options.h"

namespace mang::cli {

struct SpeculationCommand {
  bool wanted = false;
  std::optional<std::string> draft;  // a model that drafts; left out, drafts are looked up
  int64_t tokens = 128;              // of an answer
  int64_t pairs = 5;
  int threads = 0;
};

void add_speculation_bench_options(CLI::App& command, SpeculationCommand& options);

Result<int> bench_speculation(const SpeculationCommand& options, const std::vector<std::string>& models,
                              const DeviceOptions& device, bool json, Context& context);

}  // namespace mang::cli
