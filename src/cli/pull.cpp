// mang pull: fetches a model without running it, and looks whether it can be run.
#include <memory>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/remote_models.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  bool quiet = false;
};

Result<std::string> obtain(const std::string& text, const Context& context) {
  if (classify(text, context.catalog) == RefKind::hf) {
    MANG_TRY(const HfName name, parse_hf_name(text));
    return obtain_hf(name, true, context);
  }
  MANG_TRY(const ModelRef ref, resolve_model(text, context));
  return ref.path;
}

// The cheap part of checking: the headers are read whole, every tensor's place and shape with them; no weight is.
Result<void> check(const std::string& path, const std::string& name, const Context& context) {
  MANG_TRY(const ModelDescription model, describe_model(path, context.log));
  if (!model.info) {
    print_error_line(say("{}: fetched and checked, but not run here: {}", name, *model.problem));
    return {};
  }
  print_error_line(say("{}: {}, {} parameters; the headers of its files are in order.", name, model.architecture,
                       human_count(static_cast<uint64_t>(model.info->parameters))));
  return {};
}

Result<int> pull(const Options& options, Context& context) {
  for (const std::string& text : options.models) {
    MANG_TRY(const std::string path, obtain(text, context));
    if (!options.quiet) MANG_TRY(check(path, text, context));
    context.out.write(path + "\n");
  }
  return kExitOk;
}

}  // namespace

void add_pull(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "pull", tr("Fetch a model, or its newest version"));
  command
      ->add_option(
          "MODEL", options->models,
          tr("A known name, hf:organisation/name[@revision][:quantization or file], or the address of a GGUF file"))
      ->required();
  command->add_flag("-q,--quiet", options->quiet, tr("Write the path only"));
  command->footer(
      tr("Examples:\n"
         "  mang pull smollm2\n"
         "  mang pull hf:Qwen/Qwen3-0.6B-GGUF:Q8_0\n"
         "  mang run -m \"$(mang pull -q hf:Qwen/Qwen3-0.6B)\" \"Hello\"\n\n"
         "HF_ENDPOINT names a mirror, HF_TOKEN (or the token of Hugging Face's tools) opens private\n"
         "models, HF_HUB_CACHE says where models are kept. A download that was stopped goes on.\n\n"
         "Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C."));
  command->callback([options, &action] { action = [options](Context& context) { return pull(*options, context); }; });
}

}  // namespace mang::cli
