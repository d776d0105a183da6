// Options for drafting tokens ahead, and the words about what came of it.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace mang::cli {

struct SpeculationOptions {
  std::string speculate = "auto";
  std::optional<std::string> draft;  // a model that drafts

  [[nodiscard]] Speculate when() const;
};

void add_speculation_options(CLI::App& command, SpeculationOptions& options);

// "41 of 52 drafted tokens were right; 1.47 tokens a step". `when`: of the engine.
std::string speculation_sentence(const RequestStats& stats, Speculate when);

}  // namespace mang::cli
