// mang list: the models on this machine.
#include <algorithm>
#include <ctime>
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/io.h"
#include "cli/messages.h"
#include "cli/stored.h"

namespace mang::cli {
namespace {

struct Options {
  bool json = false;
};

// "3 days ago".
std::string age(int64_t then, int64_t now) {
  const int64_t seconds = std::max<int64_t>(0, now - then);
  const auto told = [](int64_t n, std::string_view one, std::string_view many) {
    return n == 1 ? std::string(one) : fmt::format(fmt::runtime(many), n);
  };
  if (seconds < 60) return tr("just now");
  if (seconds < 3600) return told(seconds / 60, tr("1 minute ago"), tr("{} minutes ago"));
  if (seconds < 86400) return told(seconds / 3600, tr("1 hour ago"), tr("{} hours ago"));
  if (seconds < 86400 * 60) return told(seconds / 86400, tr("1 day ago"), tr("{} days ago"));
  return told(seconds / (86400 * 30), tr("1 month ago"), tr("{} months ago"));
}

Result<int> list(const Options& options, Context& context) {
  MANG_TRY(const Stored stored, Stored::of(context));
  const auto models = list_models(context.catalog, stored.store, stored.cache, stored.by_address);
  if (options.json) {
    Json rows = Json::array();
    for (const StoredModel& model : models) {
      rows.push_back({{"name", model.name},
                      {"id", model.id},
                      {"bytes", model.bytes},
                      {"changed", model.changed},
                      {"path", model.path}});
    }
    context.out.write(dump_json(rows) + "\n");
    return kExitOk;
  }
  if (models.empty()) {
    print_error_line(tr("There is no model on this machine yet. 'mang run \"Hello\"' fetches a small one."));
    return kExitOk;
  }
  size_t width = 4;
  for (const StoredModel& model : models) width = std::max(width, model.name.size());
  width = std::min<size_t>(width, 60);
  context.out.write(fmt::format("{:<{}}  {:<12}  {:>8}  {}\n", "NAME", width, "ID", "SIZE", "MODIFIED"));
  const int64_t now = std::time(nullptr);
  for (const StoredModel& model : models) {
    context.out.write(fmt::format("{:<{}}  {:<12}  {:>8}  {}\n", without_terminal_controls(model.name), width, model.id,
                                  human_bytes(model.bytes), age(model.changed, now)));
  }
  return kExitOk;
}

}  // namespace

void add_list(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "list", tr("The models on this machine, whichever tool fetched them"));
  command->alias("ls");
  command->add_flag("--json", options->json, tr("As a JSON array, with paths"));
  command->callback([options, &action] { action = [options](Context& context) { return list(*options, context); }; });
}

}  // namespace mang::cli
