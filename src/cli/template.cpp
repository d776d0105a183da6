// mang template: messages → the prompt a model is given, exactly.
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "chat/messages.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/text_side.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxJson = 256 * kMiB;

struct Options {
  std::string model;
  std::string messages;
  std::string tools;
  bool no_generation_prompt = false;
  std::vector<std::string> variables;  // KEY=JSON
  std::string now;
};

Result<void> set_variable(const std::string& assignment, Json& variables) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) return Error{say("--set {}: KEY=JSON was expected.", assignment)};
  const std::string key = assignment.substr(0, equals);
  Result<Json> value = parse_json(assignment.substr(equals + 1), say("--set {}", key));
  if (!value.ok()) return fail("{} (A string needs quotes: --set '{}=\"text\"'.)", value.error(), key);
  variables[key] = std::move(value).value();
  return {};
}

Result<int> render(const Options& options, Context& context) {
  ChatRequest request;
  request.add_generation_prompt = !options.no_generation_prompt;
  for (const std::string& assignment : options.variables) {
    if (Result<void> set = set_variable(assignment, request.variables); !set.ok()) {
      return usage_error("template", message_of(set.error()));
    }
  }
  if (options.now.empty()) {
    request.now = jinja::DateTime::local_now();
  } else {
    Result<jinja::DateTime> now = jinja::DateTime::parse_iso8601(options.now);
    if (!now.ok()) return usage_error("template", say("--now: {}", now.error()));
    request.now = *now;
  }
  if (options.messages == "-" && options.tools == "-") {
    return usage_error("template", tr("only one of --messages and --tools can be standard input."));
  }

  MANG_TRY(std::string messages, read_file_or_stdin(options.messages, kMaxJson));
  MANG_TRY(request.messages, parse_messages(messages, options.messages));
  if (!options.tools.empty()) {
    MANG_TRY(std::string tools, read_file_or_stdin(options.tools, kMaxJson));
    MANG_TRY(request.tools, parse_tools(tools, options.tools));
  }

  MANG_TRY(ModelRef ref, resolve_model(options.model, context));
  MANG_TRY(ModelText text, load_text(ref.path, context.log));
  MANG_TRY(ChatTemplate page, open_template(text, ref.path, !request.tools.is_null()));
  MANG_TRY(std::string prompt, page.render(request));
  context.out.write(prompt);
  return kExitOk;
}

}  // namespace

void add_template(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "template", tr("Show the prompt that messages become, exactly"));
  command->add_option("MODEL", options->model, tr("A model; its tokenizer files are enough"))->required();
  command->add_option("--messages", options->messages, tr("JSON file: an array of messages ('-': standard input)"))
      ->required()
      ->type_name("FILE");
  command->add_option("--tools", options->tools, tr("JSON file: an array of tools"))->type_name("FILE");
  command->add_flag("--no-generation-prompt", options->no_generation_prompt,
                    tr("Do not end with the start of the assistant's turn"));
  command->add_option("--set", options->variables, tr("Another template variable, such as enable_thinking=false"))
      ->type_name("KEY=JSON")
      ->allow_extra_args(false);
  command->add_option("--now", options->now, tr("The date and time for templates that write it (the clock otherwise)"))
      ->type_name("ISO8601");
  command->callback([options, &action] { action = [options](Context& context) { return render(*options, context); }; });
}

}  // namespace mang::cli
