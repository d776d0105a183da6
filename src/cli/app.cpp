#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <new>
#include <stdexcept>

#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/greeting.h"
#include "cli/help.h"
#include "cli/html_text.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/out_of_memory.h"
#include "cli/replay.h"
#include "cli/settings.h"
#include "cli/version.h"

namespace mang::cli {
namespace {

void add_commands(CLI::App& app, Action& action) {
  add_run(app, action);
  add_serve(app, action);
  add_pull(app, action);
  add_list(app, action);
  add_rm(app, action);
  add_gc(app, action);
  add_show(app, action);
  add_bench(app, action);
  add_replay(app, action);
  add_perplexity(app, action);
  add_doctor(app, action);
  add_config(app, action);
  add_tokenize(app, action);
  add_detokenize(app, action);
  add_template(app, action);
  add_logits(app, action);
  add_html_text(app, action);
  add_worker(app, action);
  add_completion(app, action);
  add_manual(app, action);
}

// The subcommand that was chosen, for hints; empty: none.
std::string chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : chosen.front()->get_name();
}

// `mang help` and `mang help COMMAND`, as people try them.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> out(argv + std::min(argc, 1), argv + argc);
  if (out.empty() || out.front() != "help") return out;
  if (out.size() == 1) return {"--help"};
  return {out[1], "--help"};
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

// The catalog compiled in, and before it the user's own: MANG_CATALOG names its file.
Result<Catalog> known_models(const Environment& environment) {
  constexpr size_t kLongestCatalog = 16 << 20;
  const auto path = environment.get("MANG_CATALOG");
  if (!path) return Catalog::built_in();
  MANG_TRY(const std::string text, read_text_file(*path, kLongestCatalog));
  MANG_TRY(const Catalog own, Catalog::parse(text, *path));
  return Catalog::built_in().with(own);
}

int print(const std::string& text) {
  Output out;
  out.write(text);
  const Result<void> flushed = out.flush();
  if (!flushed.ok()) print_error(flushed.error());
  return flushed.ok() ? kExitOk : kExitFailed;
}

// Before and behind the command. Its value is looked for before the options are declared, in their language.
void add_language(CLI::App& app) {
  app.add_option_function<std::string>(
         "--lang", [](const std::string&) {}, tr("Language: English or Vietnamese (the system's)"))
      ->check(CLI::IsMember({"en", "vi"}));
}

// --lang, MANG_LANG, the settings file, and the locale, the first that is there. What makes no sense is told later, in
// English.
Language choose_language(const std::vector<std::string>& arguments, const Environment& environment,
                         const Result<Settings>& settings) {
  std::optional<std::string> name;
  for (size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i].starts_with("--lang=")) name = arguments[i].substr(7);
    if (arguments[i] == "--lang" && i + 1 < arguments.size()) name = arguments[i + 1];
  }
  if (!name) name = settings.ok() ? settings->early("lang") : environment.get("MANG_LANG");
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    if (!name) name = environment.get(variable);
  }
  return parse_language(name.value_or("en")).value_or(Language::english);
}

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& help) {
  CLI::App* command = app.add_subcommand(name, help);
  add_language(*command);
  command->group(tr("Commands"));
  command->footer(tr("Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C."));
  return command;
}

void print_error(const Error& error) { print_error_line("mang: " + message_of(error)); }

int usage_error(std::string_view command, const std::string& message) {
  const std::string name = command.empty() ? "mang" : fmt::format("mang {}", command);
  const bool ended = message.ends_with('.') || message.ends_with('?') || message.ends_with(')');
  print_error_line(say("{}: {}{} See '{} --help'.", name, message, ended ? "" : ".", name));
  return kExitUsage;
}

namespace {

// What the command line left open comes from variables and the settings file. `mang config` also runs where a key is
// wrong, since it is what such a key is changed with.
Result<void> apply_settings(Result<Settings>& settings, CLI::App& app) {
  if (!settings.ok()) return settings.error();
  if (app.get_subcommands().empty()) return {};  // the greeting needs none
  const CLI::App& command = *app.get_subcommands().front();
  if (command.get_name() == "config") return {};
  const auto warn = [](const std::string& sentence) { print_error_line(say("mang: warning: {}", sentence)); };
  MANG_TRY(settings->check(app, warn));
  return settings->apply(app, command);
}

// A value that makes no sense may not be one that was just typed.
void remind_of_settings(const Settings& settings) {
  std::string places;
  for (const Setting& each : settings.used()) {
    if (each.from == Setting::From::flag) continue;
    places += fmt::format("{}{} ({})", places.empty() ? "" : ", ", each.key, settings.place(each));
  }
  if (!places.empty()) print_error_line(say("mang: also set: {}.", places));
}

int parse_and_run(int argc, char** argv) {
  const std::vector<std::string> arguments = arguments_of(argc, argv);
  const Environment environment = Environment::of_process();
  Result<Settings> settings = Settings::read(environment);
  set_language(choose_language(arguments, environment, settings));

  CLI::App app{tr("Măng runs open-weight language models on your own machine.")};
  app.name("mang");
  lay_out_help(app);
  app.set_version_flag("--version", std::string("mang ") + kVersion, tr("Show the version"));
  add_language(app);
  app.require_subcommand(0, 1);
  app.footer(
      tr("Examples:\n"
         "  mang run \"Why does bamboo grow so fast?\"\n"
         "  git diff | mang run -p \"review this\"\n"
         "  mang run model.gguf                      a conversation\n\n"
         "'mang COMMAND --help' explains a command."));
  Action action;
  add_commands(app, action);
  if (settings.ok()) settings->prepare(app);

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return print(help_text(app));
  } catch (const CLI::Success& success) {  // --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return usage_error(chosen_command(app), usage_problem(app, error, arguments));
  }
  if (!action && at_a_terminal()) action = greet;
  if (!action) {
    std::fputs(help_text(app).c_str(), stderr);
    return kExitUsage;
  }

  Log log = [](const Error& warning) { print_error_line(say("mang: warning: {}", warning)); };
  if (settings.ok() && settings->unreadable()) {
    print_error(*settings->unreadable());
    return kExitFailed;
  }
  if (const Result<void> applied = apply_settings(settings, app); !applied.ok()) {
    print_error(applied.error());
    return kExitUsage;
  }
  Result<Catalog> catalog = known_models(environment);
  if (!catalog.ok()) {
    print_error(catalog.error());
    return kExitFailed;
  }
  Context context{environment, *settings, *catalog, catch_interrupts(), Output(), std::move(log)};
  const Result<int> outcome = action(context);
  const int code = finish(context, outcome);
  if (code == kExitUsage) remind_of_settings(*settings);
  return code;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  ensure_standard_descriptors();
  end_clearly_without_memory();
  try {
    return parse_and_run(argc, argv);
  } catch (const std::bad_alloc&) {  // what was taken is given back by now, so that this can be said
  } catch (const std::length_error&) {
  }
  say_out_of_memory();
  return kExitFailed;
}

}  // namespace mang::cli
