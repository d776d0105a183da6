// Which model of the catalog suits this machine and this user, for those who named none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/speed_estimate.h"
#include "hub/catalog.h"

namespace mang::cli {

struct Context;

// What the choice depends on, and nothing else.
struct Situation {
  uint64_t available_memory = 0;  // bytes; 0: not known, everything fits
  ProbeResult speed;
  std::string language = "en";  // ISO 639-1
  bool hub_reachable = true;
  std::vector<const CatalogEntry*> here;      // on this machine already
  std::vector<const CatalogEntry*> runnable;  // whose architecture this program knows
};

// A model as it would be on this machine. Sizes and speeds are estimates: nothing was loaded or asked for.
struct Candidate {
  const CatalogEntry* entry = nullptr;
  std::string quantization;   // the usual one
  uint64_t file_bytes = 0;    // 0: not known
  uint64_t memory_bytes = 0;  // weights, keys and values of a conversation of kUsualContext tokens, buffers
  SpeedEstimate speed;        // tokens a second
  double words_per_second = 0;
  bool here = false;
  bool runs = false;  // its architecture is known
  bool fits = false;  // in the memory that is available
};

enum class Choice {
  here,         // is on this machine already
  best,         // the best that fits and is fast enough
  slow,         // nothing is fast enough: the fastest that fits
  unreachable,  // no hub answers: the packaged one
  small,        // nothing else fits: the packaged one
};

struct Recommendation {
  Candidate chosen;
  Choice why = Choice::best;
  std::vector<Candidate> alternatives;  // at most three others worth a try here, the best first
};

inline constexpr int64_t kUsualContext = 4096;
inline constexpr double kFluentWords = 8;  // a second: faster than one reads

// Tokens that a word takes on average: about 1.3 in English, 1.8 in Vietnamese.
double tokens_per_word(std::string_view language);

// How a model would do.
Candidate assess(const CatalogEntry& entry, const std::string& quantization, const Situation& situation);

// The choice: of the catalog's recommended ones, in their order, the first that fits and writes at least kFluentWords a
// second, of those that speak the user's language before others. One that is here wins over the network; one whose
// licence asks for consent is never chosen for anybody unless it is here. Pure.
Recommendation recommend(const Catalog& catalog, const Situation& situation);

// The user's language by the locale: LC_ALL, LC_MESSAGES, LANG.
std::string user_language(const Context& context);

// This machine as it is now. ask_hub: whether a hub answers is found out (3 s at most); else it is taken to. The probe
// may be a remembered one.
Result<Situation> situation_here(bool ask_hub, const Context& context);

// "qwen3:4b was chosen: the best model known here that …": one line about the choice.
std::string explain(const Recommendation& recommendation, const Situation& situation);

// The model to run when none was named: its name, said in a line on stderr unless `quiet`.
Result<std::string> choose_model(bool quiet, const Context& context);

}  // namespace mang::cli
