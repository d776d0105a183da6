// mang bench --determinism: whether a model's answers are the same whatever the machine does, and the proof.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/device_options.h"

namespace mang::cli {

struct DeterminismCommand {
  bool wanted = false;
  int64_t prompts = 20;
  std::optional<std::string> draft;  // a model that drafts in some of the ways
};

void add_determinism_options(CLI::App& command, DeterminismCommand& options);

// Exit code 1 where anything differs.
Result<int> bench_determinism(const DeterminismCommand& options, const std::vector<std::string>& models,
                              const DeviceOptions& device, bool json, Context& context);

}  // namespace mang::cli
