// mang pull: fetches a model without running it, and looks whether it can be run.
#include <algorithm>
#include <memory>

#include "base/ascii.h"
#include "base/units.h"
#include "cli/catalog_models.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/remote_models.h"
#include "hub/digest.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string sha256;
  bool accept_license = false;
  bool quiet = false;
};

Result<std::string> obtain(const std::string& text, const Options& options, const Context& context) {
  switch (classify(text, context.catalog)) {
    case RefKind::hf: {
      MANG_TRY(const HfName name, parse_hf_name(text));
      return obtain_hf(name, true, context);
    }
    case RefKind::name:
      return obtain_catalog_model(context.catalog.resolve(text),
                                  {.refresh = true, .accept_license = options.accept_license}, context);
    case RefKind::url:
      return obtain_url(text, options.sha256, context);
    default: {
      MANG_TRY(const ModelRef ref, resolve_model(text, context));
      return ref.path;
    }
  }
}

// Lower case; an error where it is none, or where it cannot be used.
Result<std::string> digest_of(const Options& options, const Context& context) {
  const std::string out = ascii_lower(options.sha256);
  if (out.empty()) return out;
  if (!is_sha256(out)) {
    return Error{tr("--sha256 takes 64 hexadecimal digits.")};
  }
  if (options.models.size() != 1 || classify(options.models.front(), context.catalog) != RefKind::url) {
    return Error{tr("--sha256 is for one address: what hubs and the catalog give is checked by their own digests.")};
  }
  return out;
}

// The cheap part of checking: the headers are read whole, every tensor's place and shape with them; no weight is.
Result<void> check(const std::string& path, const std::string& name, const Context& context) {
  MANG_TRY(const ModelDescription model, describe_model(path, context.log));
  if (!model.info) {
    print_error_line(say("{}: fetched and checked, but not run here: {}", name, *model.problem));
    return {};
  }
  const Result<ModelText> text = load_text(path, context.log);
  if (!text.ok()) {
    print_error_line(say("{}: fetched and checked, but its tokenizer cannot be read: {}", name, text.error()));
    return {};
  }
  const std::string parameters = human_count(static_cast<uint64_t>(model.info->parameters));
  if (text->templates.empty()) {
    print_error_line(
        say("{}: {}, {} parameters in {} tensors; the headers of its files are in order, with a tokenizer, but "
            "without a chat template.",
            name, model.architecture, parameters, model.tensor_count));
    return {};
  }
  print_error_line(
      say("{}: {}, {} parameters in {} tensors; the headers of its files are in order, with a tokenizer and a "
          "chat template.",
          name, model.architecture, parameters, model.tensor_count));
  return {};
}

Result<int> pull(Options options, Context& context) {
  Result<std::string> digest = digest_of(options, context);
  if (!digest.ok()) return usage_error("pull", message_of(digest.error()));
  options.sha256 = std::move(*digest);
  for (const std::string& text : options.models) {
    MANG_TRY(const std::string path, obtain(text, options, context));
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
  command->add_option("--sha256", options->sha256, tr("What the file at an address must be"))->type_name("DIGEST");
  command->add_flag("--accept-license", options->accept_license,
                    tr("Accept a licence that asks for consent without being asked"));
  command->add_flag("-q,--quiet", options->quiet, tr("Write the path only"));
  command->footer(
      tr("Examples:\n"
         "  mang pull qwen3:4b\n"
         "  mang pull qwen3:4b-q8_0\n"
         "  mang pull hf:Qwen/Qwen3-0.6B-GGUF:Q8_0\n"
         "  mang run -m \"$(mang pull -q hf:Qwen/Qwen3-0.6B)\" \"Hello\"\n\n"
         "HF_ENDPOINT names a mirror, HF_TOKEN (or the token of Hugging Face's tools) opens private\n"
         "models, HF_HUB_CACHE says where models are kept. A download that was stopped goes on.\n\n"
         "Exit codes: 0 fine, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C."));
  command->callback([options, &action] { action = [options](Context& context) { return pull(*options, context); }; });
}

}  // namespace mang::cli
