// mang completion: what shells need to complete mang's commands, options and names of models.
#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/completion_scripts.h"
#include "cli/messages.h"
#include "cli/stored.h"

namespace mang::cli {
namespace {

struct Options {
  std::string what;
};

// A name a line: the models on this machine, then those that can be fetched.
Result<int> write_models(Context& context) {
  MANG_TRY(const Stored stored, Stored::of(context));
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    const bool writable = name.find_first_of(" \n\t\r") == std::string::npos;
    if (writable && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const StoredModel& model : list_models(context.catalog, stored.store, stored.cache, stored.by_address)) {
    add(model.name);
  }
  for (const CatalogEntry& entry : context.catalog.entries()) add(entry.name);
  for (const std::string& name : names) context.out.write(without_terminal_controls(name) + "\n");
  return kExitOk;
}

Result<int> complete(const Options& options, const CLI::App& app, Context& context) {
  if (options.what == "models") return write_models(context);
  const CommandFacts program = facts_of(app);
  const std::vector<CommandFacts> commands = facts_of_commands(app);
  if (options.what == "bash") context.out.write(bash_completion(program, commands));
  if (options.what == "zsh") context.out.write(zsh_completion(program, commands));
  if (options.what == "fish") context.out.write(fish_completion(program, commands));
  return kExitOk;
}

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "completion", tr("Write what completes commands in bash, zsh or fish"));
  command->footer(
      tr("Examples:\n"
         "  source <(mang completion bash)           in this shell\n"
         "  mang completion fish > ~/.config/fish/completions/mang.fish\n\n"
         "Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C."));
  command->add_option("SHELL", options->what, tr("bash, zsh or fish; 'models': the names it offers for models"))
      ->check(CLI::IsMember({"bash", "zsh", "fish", "models"}))
      ->required();
  command->callback([options, &app, &action] {
    action = [options, &app](Context& context) { return complete(*options, app, context); };
  });
}

}  // namespace mang::cli
