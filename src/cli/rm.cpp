// mang rm: takes models off this machine. mang gc: takes away what unfinished downloads left.
#include <filesystem>
#include <memory>

#include "base/units.h"
#include "cli/catalog_models.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/remote_models.h"
#include "cli/stored.h"
#include "hub/url_models.h"

namespace mang::cli {
namespace {

namespace fs = std::filesystem;

Error not_here(const std::string& name) {
  return Error{say("'{}' is not on this machine. 'mang list' shows what is.", name)};
}

Result<void> remove_hf(const std::string& text, const Stored& stored) {
  MANG_TRY(const HfName name, parse_hf_name(text));
  bool removed = false;
  if (name.what.empty()) {
    MANG_TRY(removed, stored.cache.remove(name.id));
  } else if (const auto model = find_hf(name, stored.cache)) {
    MANG_TRY(removed, stored.cache.remove_files(name.id, model->commit, model->files));
  }
  if (!removed) return not_here(text);
  return {};
}

Result<void> remove_model(const std::string& text, const Stored& stored, const Context& context) {
  switch (classify(text, context.catalog)) {
    case RefKind::name: {
      MANG_TRY(const bool removed, remove_catalog_model(context.catalog.resolve(text), stored));
      if (!removed) return not_here(text);
      return {};
    }
    case RefKind::hf:
      return remove_hf(text, stored);
    case RefKind::url: {
      const auto path = UrlModels(stored.by_address).find(text);
      return path ? remove_model_folder(fs::path(*path).parent_path(), stored) : not_here(text);
    }
    case RefKind::path:
      return Error{say("'{}' is a file of yours: remove it yourself.", text)};
    case RefKind::none:
    case RefKind::tagged:
    case RefKind::file:
      break;
  }
  return not_here(text);
}

Result<int> remove_models(const std::vector<std::string>& models, Context& context) {
  MANG_TRY(const Stored stored, Stored::of(context));
  for (const std::string& text : models) {
    MANG_TRY(remove_model(text, stored, context));
    context.out.write(say("removed {}", text) + "\n");
  }
  return kExitOk;
}

Result<int> collect_garbage(bool dry_run, Context& context) {
  MANG_TRY(const Stored stored, Stored::of(context));
  const Leftovers found = find_leftovers(stored.store, stored.cache, stored.by_address);
  for (const Leftovers::Item& item : found.items) {
    if (!dry_run) MANG_TRY(remove_leftover(item));
    context.out.write(fmt::format("{}/{}\n", item.root, item.path));
  }
  print_error_line(dry_run ? say("{} could be freed.", human_bytes(found.bytes))
                           : say("{} freed.", human_bytes(found.bytes)));
  return kExitOk;
}

}  // namespace

void add_rm(CLI::App& app, Action& action) {
  auto models = std::make_shared<std::vector<std::string>>();
  CLI::App* command = add_command(app, "rm", tr("Take models off this machine"));
  command->add_option("MODEL", *models, tr("As 'mang list' names it; hf:organisation/name takes all its files"))
      ->required();
  command->callback(
      [models, &action] { action = [models](Context& context) { return remove_models(*models, context); }; });
}

void add_gc(CLI::App& app, Action& action) {
  auto dry_run = std::make_shared<bool>(false);
  CLI::App* command = add_command(app, "gc", tr("Take away what unfinished downloads left"));
  command->add_flag("-n,--dry-run", *dry_run, tr("Only say what would go"));
  command->callback(
      [dry_run, &action] { action = [dry_run](Context& context) { return collect_garbage(*dry_run, context); }; });
}

}  // namespace mang::cli
