#include "cli/speculation_options.h"

#include "cli/messages.h"

namespace mang::cli {

Speculate SpeculationOptions::when() const {
  if (speculate == "off") return Speculate::off;
  return speculate == "always" ? Speculate::always : Speculate::measured;
}

void add_speculation_options(CLI::App& command, SpeculationOptions& options) {
  command
      .add_option("--speculate", options.speculate,
                  tr("Draft tokens ahead and verify several at once; the answer is the same. auto: where it is faster "
                     "(auto)"))
      ->check(CLI::IsMember({"auto", "off", "always"}))
      ->group(tr("Computation"));
  command
      .add_option(
          "--draft", options.draft,
          tr("A smaller model with the same vocabulary that drafts; left out, drafts are looked up in the text"))
      ->type_name("MODEL")
      ->group(tr("Computation"));
}

std::string speculation_sentence(const RequestStats& stats, Speculate when) {
  if (when == Speculate::off) return tr("off");
  const int64_t steps = stats.generated_tokens - stats.accepted_tokens;
  if (stats.drafted_steps == 0) {
    if (stats.declined_steps == 0) return tr("none: nothing came again");
    return say("switched itself off: drafts would not have paid in {} of {} steps", stats.declined_steps, steps);
  }
  const double tokens_a_step = static_cast<double>(stats.generated_tokens) / static_cast<double>(steps);
  if (stats.declined_steps == 0) {
    return say("{} of {} drafted tokens were right; {:.2f} tokens a step", stats.accepted_tokens, stats.drafted_tokens,
               tokens_a_step);
  }
  return say("{} of {} drafted tokens were right; {:.2f} tokens a step; switched itself off in {} of {} steps",
             stats.accepted_tokens, stats.drafted_tokens, tokens_a_step, stats.declined_steps, steps);
}

}  // namespace mang::cli
