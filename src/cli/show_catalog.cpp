#include "cli/show_catalog.h"

#include <cmath>

#include "base/units.h"
#include "cli/catalog_models.h"
#include "cli/context.h"
#include "cli/messages.h"
#include "cli/recommend.h"

namespace mang::cli {
namespace {

// Two figures are enough for an estimate.
std::string about(double value) {
  if (value < 10) return fmt::format("{:.1f}", value);
  if (value < 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.0f}", value < 1000 ? 10 * std::round(value / 10) : 100 * std::round(value / 100));
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

std::string usual(const CatalogName& name) {
  return name.quantization.empty() ? name.entry->quantizations().front() : name.quantization;
}

Json range_json(const SpeedRange& range) {
  return {{"likely", range.likely}, {"low", range.low}, {"high", range.high}};
}

void show_facts(const CatalogEntry& entry, Page& page, const Context& context) {
  page.row(tr("family"), say("{}, by {}", entry.family, entry.publisher));
  page.row(tr("architecture"), runs_here(entry)
                                   ? entry.architecture
                                   : say("{}: this version of mang does not run it yet", entry.architecture));
  page.row(tr("parameters"), entry.active_parameters < entry.parameters
                                 ? say("{}, of which {} work on each token", human_count(entry.parameters),
                                       human_count(entry.active_parameters))
                                 : human_count(entry.parameters));
  page.row(tr("licence"), entry.license.id + ", " + entry.license.url);
  if (!entry.license.consent.empty()) page.row(tr("consent"), tr(entry.license.consent));
  page.row(tr("context"), say("{} tokens", entry.context));
  page.row(tr("languages"), joined(entry.languages));
  for (size_t i = 0; i < entry.sources.size(); ++i) {
    const CatalogSource& source = entry.sources[i];
    std::string where = describe_source(source, context) + ": " + joined(source.quantizations);
    if (!source.by.empty()) where += "; " + say("files made by {}, not by the publisher", source.by);
    page.row(i == 0 ? tr("source") : tr("otherwise"), where);
  }
  if (!entry.note.empty()) page.row(tr("note"), tr(entry.note));
}

}  // namespace

std::string describe_speed(const SpeedEstimate& speed, const std::string& language) {
  if (speed.decode.likely <= 0) return tr("could not be predicted: the probe found no memory bandwidth");
  const double words = speed.decode.likely / tokens_per_word(language);
  return say("writes about {} tokens a second ({}–{}), or {} words; reads about {} ({}–{})", about(speed.decode.likely),
             about(speed.decode.low), about(speed.decode.high), about(words), about(speed.prefill.likely),
             about(speed.prefill.low), about(speed.prefill.high));
}

Json speed_json(const SpeedEstimate& speed, const std::string& language) {
  return {{"decode_tokens_per_second", range_json(speed.decode)},
          {"prefill_tokens_per_second", range_json(speed.prefill)},
          {"words_per_second", speed.decode.likely / tokens_per_word(language)},
          {"language", language}};
}

Result<void> show_catalog_model(const CatalogName& name, Page& page, const Context& context) {
  const CatalogEntry& entry = *name.entry;
  MANG_TRY(const Situation situation, situation_here(false, context));
  const Candidate candidate = assess(entry, usual(name), situation);
  page.title(say("{}: {} (not on this machine)", entry.name, entry.title));
  show_facts(entry, page, context);
  page.row(tr("download"), say("about {} ({})", human_bytes(candidate.file_bytes), candidate.quantization));
  const std::string memory = human_bytes(candidate.memory_bytes), left = human_bytes(situation.available_memory);
  page.row(tr("memory"),
           candidate.fits
               ? say("about {} with a conversation of {} tokens, of {} that are free", memory, kUsualContext, left)
               : say("about {} with a conversation of {} tokens: more than the {} that are free", memory, kUsualContext,
                     left));
  if (candidate.fits) page.row(tr("speed here"), describe_speed(candidate.speed, situation.language));
  return {};
}

Result<Json> catalog_model_json(const CatalogName& name, const Context& context) {
  const CatalogEntry& entry = *name.entry;
  MANG_TRY(const Situation situation, situation_here(false, context));
  const Candidate candidate = assess(entry, usual(name), situation);
  Json sources = Json::array();
  for (const CatalogSource& source : entry.sources) {
    sources.push_back({{"where", describe_source(source, context)},
                       {"quantizations", source.quantizations},
                       {"by", source.by.empty() ? entry.publisher : source.by}});
  }
  return Json{{"name", entry.name},
              {"aliases", entry.aliases},
              {"title", entry.title},
              {"family", entry.family},
              {"publisher", entry.publisher},
              {"architecture", entry.architecture},
              {"runs", candidate.runs},
              {"here", candidate.here},
              {"parameters", entry.parameters},
              {"active_parameters", entry.active_parameters},
              {"license", {{"id", entry.license.id}, {"url", entry.license.url}, {"consent", entry.license.consent}}},
              {"context", entry.context},
              {"languages", entry.languages},
              {"note", entry.note},
              {"sources", sources},
              {"quantization", candidate.quantization},
              {"estimated_file_bytes", candidate.file_bytes},
              {"estimated_memory_bytes", candidate.memory_bytes},
              {"fits", candidate.fits},
              {"predicted", speed_json(candidate.speed, situation.language)}};
}

}  // namespace mang::cli
