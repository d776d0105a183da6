// mang list: the models on this machine.
#include <algorithm>
#include <ctime>
#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/io.h"
#include "cli/messages.h"
#include "cli/recommend.h"
#include "cli/stored.h"

namespace mang::cli {
namespace {

struct Options {
  bool json = false;
  bool available = false;
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

// What stands behind a known model's name in the list.
std::string state_of(const Candidate& candidate) {
  if (candidate.here) return tr("on this machine");
  if (!candidate.runs) return tr("not run by this version yet");
  if (!candidate.fits) return tr("needs more memory than is free");
  return candidate.entry->license.consent.empty() ? "" : tr("licence asks for consent");
}

Result<int> list_available(const Options& options, Context& context) {
  MANG_TRY(const Situation situation, situation_here(false, context));
  Json rows = Json::array();
  size_t width = 4;
  for (const CatalogEntry& entry : context.catalog.entries()) width = std::max(width, entry.name.size());
  std::string text =
      fmt::format("{:<{}}  {:>8}  {:>8}  {:>7}\n", tr("NAME"), width, tr("SIZE"), tr("MEMORY"), tr("WORDS/S"));
  for (const CatalogEntry& entry : context.catalog.entries()) {
    const Candidate candidate = assess(entry, entry.quantizations().front(), situation);
    const bool can = candidate.runs && candidate.fits;
    if (options.json) {
      rows.push_back({{"name", entry.name},
                      {"title", entry.title},
                      {"license", entry.license.id},
                      {"asks_consent", !entry.license.consent.empty()},
                      {"languages", entry.languages},
                      {"quantizations", entry.quantizations()},
                      {"estimated_file_bytes", candidate.file_bytes},
                      {"estimated_memory_bytes", candidate.memory_bytes},
                      {"words_per_second", candidate.words_per_second},
                      {"here", candidate.here},
                      {"runs", candidate.runs},
                      {"fits", candidate.fits}});
    }
    text += fmt::format("{:<{}}  {:>8}  {:>8}  {:>7}  {}\n", without_terminal_controls(entry.name), width,
                        human_bytes(candidate.file_bytes), human_bytes(candidate.memory_bytes),
                        can ? fmt::format("{:.0f}", candidate.words_per_second) : "-", state_of(candidate));
  }
  context.out.write(options.json ? dump_json(rows) + "\n" : text);
  if (!options.json) {
    print_error_line(
        say("Sizes and speeds are estimates for this machine, where {} of memory are free. 'mang show NAME' "
            "tells more, 'mang run NAME' fetches and runs.",
            human_bytes(situation.available_memory)));
  }
  return kExitOk;
}

Result<int> list(const Options& options, Context& context) {
  if (options.available) return list_available(options, context);
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
    print_error_line(
        tr("There is no model on this machine yet. 'mang list --available' shows those that can be fetched."));
    return kExitOk;
  }
  size_t width = 4;
  for (const StoredModel& model : models) width = std::max(width, model.name.size());
  width = std::min<size_t>(width, 60);
  context.out.write(
      fmt::format("{:<{}}  {:<12}  {:>8}  {}\n", tr("NAME"), width, tr("ID"), tr("SIZE"), tr("MODIFIED")));
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
  command->add_flag("-a,--available", options->available,
                    tr("Instead the models known by name, with what they would be on this machine"));
  command->add_flag("--json", options->json, tr("As a JSON array, with paths"));
  command->callback([options, &action] { action = [options](Context& context) { return list(*options, context); }; });
}

}  // namespace mang::cli
