// The commands: each add_… declares one on the parser, in a file of its own, and sets `action` when it was chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/result.h"
#include "cli/context.h"

namespace mang::cli {

// What the chosen command does; returns the exit code. An error is printed, and the exit code is then kExitFailed.
using Action = std::function<Result<int>(Context&)>;

// A new command. Not inline: what making one needs of CLI11 is then compiled once and not with each command.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& help);

void add_run(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_list(CLI::App& app, Action& action);
void add_rm(CLI::App& app, Action& action);
void add_gc(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_perplexity(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_config(CLI::App& app, Action& action);
void add_detokenize(CLI::App& app, Action& action);
void add_template(CLI::App& app, Action& action);
void add_logits(CLI::App& app, Action& action);
void add_worker(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);
void add_manual(CLI::App& app, Action& action);

}  // namespace mang::cli
