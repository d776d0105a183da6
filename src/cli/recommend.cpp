#include "cli/recommend.h"

#include <algorithm>

#include "base/units.h"
#include "cli/catalog_models.h"
#include "cli/context.h"
#include "cli/machine_facts.h"
#include "cli/messages.h"
#include "cli/remote_models.h"

namespace mang::cli {
namespace {

constexpr uint64_t kMarginBytes = 400 * kMiB;  // buffers, the program, and something for the rest of the machine
constexpr double kPackedGrowth = 1.03;         // packed weights beside the file's
constexpr size_t kMostAlternatives = 3;

bool contains(const std::vector<const CatalogEntry*>& entries, const CatalogEntry* entry) {
  return std::find(entries.begin(), entries.end(), entry) != entries.end();
}

uint64_t file_bytes_of(const CatalogEntry& entry, const std::string& quantization) {
  for (const CatalogSource& source : entry.sources) {
    if (source.bytes > 0 && source.quantizations.front() == quantization) return source.bytes;
  }
  return approximate_file_bytes(entry.parameters, quantization);
}

double kv_bytes_per_position(const CatalogEntry& entry) {
  constexpr double kHalf = 2;  // bytes of an f16
  if (!entry.kv) return 0;
  return 2 * kHalf * static_cast<double>(entry.kv->layers * entry.kv->kv_heads * entry.kv->head_dim);
}

bool fast(const Candidate& candidate) { return candidate.words_per_second >= kFluentWords; }

// The first of `among` that suits; those that speak the language before others.
template <typename Suits>
const Candidate* first_of(const std::vector<Candidate>& among, const std::string& language, const Suits& suits) {
  for (const bool must_speak : {true, false}) {
    for (const Candidate& each : among) {
      if (suits(each) && (!must_speak || each.entry->speaks(language))) return &each;
    }
  }
  return nullptr;
}

const Candidate* fastest_of(const std::vector<Candidate>& among, const std::string& language) {
  for (const bool must_speak : {true, false}) {
    const Candidate* best = nullptr;
    for (const Candidate& each : among) {
      if (!each.fits || !each.entry->license.consent.empty()) continue;
      if (must_speak && !each.entry->speaks(language)) continue;
      if (!best || each.words_per_second > best->words_per_second) best = &each;
    }
    if (best) return best;
  }
  return nullptr;
}

}  // namespace

double tokens_per_word(std::string_view language) {
  if (language == "en") return 1.3;
  return language == "vi" ? 1.8 : 1.6;
}

Candidate assess(const CatalogEntry& entry, const std::string& quantization, const Situation& situation) {
  Candidate out;
  out.entry = &entry;
  out.quantization = quantization;
  out.file_bytes = file_bytes_of(entry, quantization);
  const auto bytes = static_cast<double>(out.file_bytes);
  const double position = kv_bytes_per_position(entry);
  out.memory_bytes = static_cast<uint64_t>(bytes * kPackedGrowth + position * kUsualContext) + kMarginBytes;
  const double active = static_cast<double>(entry.active_parameters) / static_cast<double>(entry.parameters);
  const TokenWork work{.weight_bytes = bytes * active,
                       .kv_bytes_per_position = position,
                       .prompt_macs = static_cast<double>(entry.active_parameters),
                       .layers = entry.kv ? entry.kv->layers : 0};
  constexpr int64_t kDepth = 512;  // into a conversation
  out.speed = estimate_speed(work, situation.speed, kDepth);
  out.words_per_second = out.speed.decode.likely / tokens_per_word(situation.language);
  out.here = contains(situation.here, &entry);
  out.runs = contains(situation.runnable, &entry);
  out.fits = situation.available_memory == 0 || out.memory_bytes <= situation.available_memory;
  return out;
}

Recommendation recommend(const Catalog& catalog, const Situation& situation) {
  std::vector<Candidate> known;
  for (const CatalogEntry* entry : catalog.recommended()) {
    Candidate candidate = assess(*entry, entry->quantizations().front(), situation);
    if (candidate.runs) known.push_back(std::move(candidate));
  }
  const auto free_to_choose = [](const Candidate& each) { return each.entry->license.consent.empty(); };
  const std::string& language = situation.language;

  Recommendation out;
  const Candidate* chosen = first_of(known, language, [&](const Candidate& c) { return c.here && c.fits && fast(c); });
  if (!chosen) chosen = first_of(known, language, [&](const Candidate& c) { return c.here && c.fits; });
  out.why = Choice::here;
  if (!chosen && situation.hub_reachable) {
    chosen = first_of(known, language, [&](const Candidate& c) { return free_to_choose(c) && c.fits && fast(c); });
    out.why = Choice::best;
    // Rather slowly in the user's language than fluently in another.
    if (!chosen || !chosen->entry->speaks(language)) {
      const Candidate* fastest = fastest_of(known, language);
      if (fastest && (!chosen || fastest->entry->speaks(language))) {
        chosen = fastest;
        out.why = Choice::slow;
      }
    }
  }
  if (chosen) {
    out.chosen = *chosen;
  } else {
    const CatalogEntry& packaged = catalog.default_entry();
    out.chosen = assess(packaged, packaged.quantizations().front(), situation);
    out.why = situation.hub_reachable ? Choice::small : Choice::unreachable;
  }
  for (const bool speaks : {true, false}) {
    for (const Candidate& each : known) {
      const bool worth = each.entry != out.chosen.entry && each.fits && fast(each) &&
                         each.entry->speaks(language) == speaks && (each.here || situation.hub_reachable);
      if (worth && out.alternatives.size() < kMostAlternatives) out.alternatives.push_back(each);
    }
  }
  return out;
}

std::string user_language(const Context& context) {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const auto value = context.environment.get(name);
    if (!value) continue;
    const std::string language = value->substr(0, value->find_first_of("_.@"));
    return language.size() == 2 ? language : "en";  // "C", "POSIX"
  }
  return "en";
}

Result<Situation> situation_here(bool ask_hub, const Context& context) {
  MANG_TRY(const Stored stored, Stored::of(context));
  MANG_TRY(const MachineFacts facts, machine_facts(true, context));
  Situation out;
  out.available_memory = facts.available_memory;
  out.speed = facts.speed;
  out.language = user_language(context);
  bool any = false;
  for (const CatalogEntry& entry : context.catalog.entries()) {
    if (runs_here(entry)) out.runnable.push_back(&entry);
    if (find_catalog_model({&entry, ""}, stored)) out.here.push_back(&entry);
  }
  for (const CatalogEntry* entry : context.catalog.recommended()) any = any || contains(out.here, entry);
  // Where a model is here already nobody has to be asked.
  out.hub_reachable = !ask_hub || (!any && hub_answers(context));
  return out;
}

std::string explain(const Recommendation& recommendation, const Situation& situation) {
  const Candidate& chosen = recommendation.chosen;
  const std::string words = fmt::format("{:.0f}", chosen.words_per_second);
  switch (recommendation.why) {
    case Choice::here:
      return say("No model was named: {}, which is on this machine (about {} words a second). Name another with -m.",
                 chosen.entry->name, words);
    case Choice::best:
      return say(
          "No model was named: {} ({}), the best known here that fits {} of free memory and writes about {} words "
          "a second. Name another with -m.",
          chosen.entry->name, human_bytes(chosen.file_bytes), human_bytes(situation.available_memory), words);
    case Choice::slow:
      return say(
          "No model was named: {} ({}), the fastest known here for your language, at about {} words a second on "
          "this machine. Name another with -m.",
          chosen.entry->name, human_bytes(chosen.file_bytes), words);
    case Choice::unreachable:
      return say(
          "No model was named and no hub answers: {}, a small English-only demonstration. With a network, try "
          "'mang run' again, or name a model with -m ('mang list --available' shows them).",
          chosen.entry->name);
    case Choice::small:
      break;
  }
  return say(
      "No model was named, and only {} fits {} of free memory: a small English-only demonstration. Close other "
      "programs to fit a larger one, or name one with -m.",
      chosen.entry->name, human_bytes(situation.available_memory));
}

Result<std::string> choose_model(bool quiet, const Context& context) {
  MANG_TRY(const Situation situation, situation_here(true, context));
  const Recommendation recommendation = recommend(context.catalog, situation);
  if (!quiet) print_error_line(explain(recommendation, situation));
  return recommendation.chosen.entry->name;
}

}  // namespace mang::cli
