#include "cli/app.h"

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/version.h"

namespace mang::cli {
namespace {

void add_commands(CLI::App& app, Action& action) {
  add_run(app, action);
  add_show(app, action);
  add_bench(app, action);
  add_perplexity(app, action);
  add_doctor(app, action);
  add_tokenize(app, action);
  add_detokenize(app, action);
  add_template(app, action);
  add_logits(app, action);
}

// The subcommand that was chosen, for hints; empty: none.
std::string chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : chosen.front()->get_name();
}

int finish(Context& context, const Result<int>& outcome) {
  const Result<void> flushed = context.out.flush();
  if (!outcome.ok()) {
    if (context.interrupted.load()) return kExitInterrupted;  // the user knows why
    print_error(outcome.error());
    return kExitFailed;
  }
  if (!flushed.ok()) {
    print_error(flushed.error());
    return kExitFailed;
  }
  return *outcome;
}

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& help) {
  return app.add_subcommand(name, help);
}

void print_error(const Error& error) { print_error_line("mang: " + error.message); }

int usage_error(std::string_view command, const std::string& message) {
  const std::string name = command.empty() ? "mang" : fmt::format("mang {}", command);
  print_error_line(say("{}: {} See '{} --help'.", name, message, name));
  return kExitUsage;
}

int run_command_line(int argc, char** argv) {
  ensure_standard_descriptors();
  CLI::App app{tr("Măng runs open-weight language models on your own machine.")};
  app.name("mang");
  app.set_version_flag("--version", std::string("mang ") + kVersion);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(34);
  app.footer(
      tr("'mang COMMAND --help' explains a command. Exit codes: 0 fine, 1 the work failed, 2 wrong usage, "
         "130 stopped by Ctrl-C."));
  Action action;
  add_commands(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    if (!message.empty() && message.back() != '.') message += '.';
    return usage_error(chosen_command(app), message);
  }
  if (!action) {
    print_error_line(app.help());
    return kExitUsage;
  }

  Log log = [](LogLevel level, const std::string& message) {
    if (level == LogLevel::warning) print_error_line(say("mang: warning: {}", message));
  };
  Context context{Environment::of_process(), Catalog::built_in(), catch_interrupts(), Output(), std::move(log)};
  const Result<int> outcome = action(context);
  return finish(context, outcome);
}

}  // namespace mang::cli
