// mang show: what a model is, from its files alone.
#include <algorithm>
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/catalog_models.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/machine_facts.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/page.h"
#include "cli/recommend.h"
#include "cli/show_catalog.h"
#include "engine/speed_estimate.h"
#include "load/load_model.h"
#include "text/tokenizer.h"

namespace mang::cli {
namespace {

struct Options {
  std::string model;
  int64_t context = 0;
  bool metadata = false;
  bool template_text = false;
  bool json = false;
};

// Bytes of K and V of all layers for this many positions, in the type the description has (f16).
uint64_t kv_bytes(const ModelDescription& model, int64_t positions) {
  const int64_t pages = blocks_for(positions);
  uint64_t bytes = 0;
  for (const KvLayout& layer : model.kv) bytes += static_cast<uint64_t>(pages * layer.page_bytes());
  return bytes;
}

// The text side, as far as the files have one; a model without a tokenizer still has shapes to show.
struct TextSide {
  std::optional<Tokenizer> tokenizer;
  std::string kind;
  std::vector<NamedTemplate> templates;
  std::optional<Error> problem;
};

TextSide text_side(const std::string& path, const Log& log) {
  TextSide side;
  Result<ModelText> text = load_text(path, log);
  if (!text.ok()) {
    side.problem = text.error();
    return side;
  }
  side.templates = std::move(text->templates);
  side.kind = text->tokenizer.model == TokenizerSpec::Model::kBpe ? "BPE" : "unigram";
  Result<Tokenizer> built = Tokenizer::build(std::move(text->tokenizer));
  if (built.ok())
    side.tokenizer = std::move(built).value();
  else
    side.problem = built.error();
  return side;
}

// Packed weights take the file's size within a few per cent; what is exact is known only once they are loaded.
uint64_t weight_bytes(const ModelDescription& model) {
  return model.info->weight_bytes > 0 ? model.info->weight_bytes : model.file_bytes;
}

int64_t chosen_context(const Options& options, const ModelInfo& info) {
  return options.context > 0 ? options.context : info.context;
}

// How fast it would be here, by a probe made now.
std::optional<SpeedEstimate> predict(const ModelDescription& model, const Context& context) {
  if (!model.info) return std::nullopt;
  const Result<MachineFacts> machine = machine_facts(false, context);
  if (!machine.ok()) return std::nullopt;
  constexpr int64_t kDepth = 512;  // into a conversation
  const double position = static_cast<double>(kv_bytes(model, kPagePositions)) / kPagePositions;
  return estimate_speed(token_work(*model.info, static_cast<double>(weight_bytes(model)), position), machine->speed,
                        std::min(kDepth, model.info->context));
}

Json to_json(const Options& options, const ModelDescription& model, const TextSide& text, const Context& context) {
  Json out;
  out["path"] = model.path;
  out["format"] = model.format;
  out["architecture"] = model.architecture;
  out["file_bytes"] = model.file_bytes;
  out["tensors"] = model.tensor_count;
  out["types"] = Json::object();
  for (const auto& [name, bytes] : model.types) out["types"][name] = bytes;
  if (model.info) {
    const ModelInfo& info = *model.info;
    out["name"] = info.name;
    out["parameters"] = info.parameters;
    out["layers"] = info.layers;
    out["hidden"] = info.hidden;
    out["heads"] = info.heads;
    out["kv_heads"] = info.kv_heads;
    out["head_dim"] = info.head_dim;
    out["intermediate"] = info.intermediate;
    if (info.experts > 0) {
      out["experts"] = {{"count", info.experts},
                        {"used", info.experts_used},
                        {"intermediate", info.expert_intermediate},
                        {"layers", info.sparse_layers}};
    }
    out["vocab"] = info.vocab;
    out["context"] = info.context;
    const int64_t tokens = chosen_context(options, info);
    out["memory"] = {{"context", tokens},
                     {"weights", weight_bytes(model)},
                     {"kv_f16", kv_bytes(model, tokens)},
                     {"total", weight_bytes(model) + kv_bytes(model, tokens)}};
    if (const auto speed = predict(model, context)) out["predicted"] = speed_json(*speed, user_language(context));
  } else {
    out["problem"] = model.problem->message;
  }
  if (text.tokenizer) {
    out["tokenizer"] = {{"kind", text.kind},
                        {"size", text.tokenizer->vocab_size()},
                        {"bos", text.tokenizer->bos_id()},
                        {"eos", text.tokenizer->eos_id()},
                        {"ends_answer", Json(std::vector<int32_t>(text.tokenizer->eog_ids().begin(),
                                                                  text.tokenizer->eog_ids().end()))}};
  } else {
    out["tokenizer"] = {{"problem", text.problem->message}};
  }
  out["templates"] = Json::object();
  for (const NamedTemplate& each : text.templates) out["templates"][each.name] = each.text;
  if (options.metadata) {
    out["metadata"] = Json::object();
    for (const auto& [key, value] : model.metadata) out["metadata"][key] = value;
  }
  return out;
}

void show_model(const Options& options, const ModelDescription& model, Page& page, const Context& context) {
  page.title(model.path);
  page.row(tr("format"), model.format);
  if (!model.architecture.empty()) page.row(tr("architecture"), model.architecture);
  std::string types;
  for (const auto& [name, bytes] : model.types)
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", name, human_bytes(bytes));
  page.row(tr("weights"), model.tensor_count == 0
                              ? tr("none: a vocabulary alone")
                              : say("{} in {} tensors ({})", human_bytes(model.file_bytes), model.tensor_count, types));
  if (!model.info) {
    if (model.tensor_count > 0) page.row(tr("problem"), message_of(*model.problem));
    return;
  }
  const ModelInfo& info = *model.info;
  if (!info.name.empty()) page.row(tr("name"), info.name);
  page.row(tr("parameters"), human_count(info.parameters));
  page.row(tr("shape"),
           say("{} layers, hidden {}, feed-forward {}, {} heads of {} ({} for keys and values), head {} rows",
               info.layers, info.hidden, info.intermediate, info.heads, info.head_dim, info.kv_heads, info.vocab));
  if (info.experts > 0) {
    page.row(tr("experts"), say("{} in each of {} layers, each of feed-forward {}; a token goes to {} of them",
                                info.experts, info.sparse_layers, info.expert_intermediate, info.experts_used));
  }
  page.row(tr("context"), say("{} tokens", info.context));
  const int64_t tokens = chosen_context(options, info);
  page.row(tr("memory"), say("{} at {} tokens: weights {}, KV cache (f16) {}",
                             human_bytes(weight_bytes(model) + kv_bytes(model, tokens)), tokens,
                             human_bytes(weight_bytes(model)), human_bytes(kv_bytes(model, tokens))));
  if (const auto speed = predict(model, context))
    page.row(tr("speed here"), describe_speed(*speed, user_language(context)));
}

void show_text(const TextSide& text, Page& page) {
  if (text.tokenizer) {
    const Tokenizer& tokenizer = *text.tokenizer;
    auto named = [&](int32_t id) { return id < 0 ? tr("none") : fmt::format("{} {}", id, tokenizer.token_text(id)); };
    std::string ends;
    for (int32_t id : tokenizer.eog_ids()) ends += (ends.empty() ? "" : ", ") + named(id);
    const std::vector<int32_t> empty = tokenizer.encode("", {.add_special = true});
    const std::string begins = empty.empty() ? "" : say("; a text begins with {}", named(empty.front()));
    page.row(tr("tokenizer"), say("{}, {} tokens{}; an answer ends with {}", text.kind, tokenizer.vocab_size(), begins,
                                  ends.empty() ? tr("none") : ends));
  } else {
    page.row(tr("tokenizer"), message_of(*text.problem));
  }
  std::string names;
  for (const NamedTemplate& each : text.templates) {
    names += (names.empty() ? "" : ", ") + say("{} ({} bytes)", each.name, each.text.size());
  }
  page.row(tr("chat template"), names.empty() ? tr("none") : names);
}

// A model of the catalog that is not here: nothing is fetched only to be looked at.
Result<int> show_known(const CatalogName& name, const Options& options, Context& context) {
  if (options.json) {
    MANG_TRY(const Json json, catalog_model_json(name, context));
    context.out.write(dump_json(json) + "\n");
    return kExitOk;
  }
  Page page(2, 14, context.out.width());
  MANG_TRY(show_catalog_model(name, page, context));
  context.out.write(page.text());
  return kExitOk;
}

Result<int> show(const Options& options, Context& context) {
  if (classify(options.model, context.catalog) == RefKind::name) {
    const CatalogName name = context.catalog.resolve(options.model);
    MANG_TRY(const Stored stored, Stored::of(context));
    const bool needs_files = options.metadata || options.template_text;
    if (!needs_files && !find_catalog_model(name, stored)) return show_known(name, options, context);
  }
  MANG_TRY(ModelRef ref, resolve_model(options.model, context));
  const TextSide text = text_side(ref.path, context.log);
  Result<ModelDescription> described = describe_model(ref.path, context.log);
  if (!described.ok()) {
    if (!text.tokenizer) return described.error();
    described = ModelDescription{.path = ref.path, .format = tr("tokenizer files"), .problem = described.error()};
  }
  const ModelDescription& model = *described;
  if (options.template_text) {
    if (text.templates.empty()) return Error{say("{}: the model has no chat template.", ref.path)};
    context.out.write(text.templates.front().text);
    return kExitOk;
  }
  if (options.json) {
    context.out.write(dump_json(to_json(options, model, text, context)));
    context.out.write("\n");
    return kExitOk;
  }
  Page page(2, 14, context.out.width());
  show_model(options, model, page, context);
  show_text(text, page);
  if (options.metadata) {
    page.title(tr("metadata"));
    for (const auto& [key, value] : model.metadata) page.title(fmt::format("  {} = {}", key, value));
  }
  context.out.write(page.text());
  return kExitOk;
}

}  // namespace

void add_show(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(app, "show", tr("Show what a model is: shapes, types, tokenizer, memory, speed here"));
  command->add_option("MODEL", options->model, tr("A model"))->required();
  command->add_option("-c,--context", options->context, tr("Memory at this many tokens (the model's own context)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->type_name("N");
  command->add_flag("--metadata", options->metadata, tr("Also every key of the file"));
  command->add_flag("--template", options->template_text, tr("Only the chat template's text"));
  command->add_flag("--json", options->json, tr("Write JSON"));
  command->callback([options, &action] { action = [options](Context& context) { return show(*options, context); }; });
}

}  // namespace mang::cli
