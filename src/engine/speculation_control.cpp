#include "engine/speculation_control.h"

#include <algorithm>

#include "base/check.h"

namespace mang {

namespace {

constexpr double kFade = 0.9;         // of what was learnt, with each new draft
constexpr double kLeastGain = 1.02;   // below that it is not worth the trouble
constexpr double kAllowance = 0.01;   // of the time that passes may be lost
constexpr double kFirstCredit = 0.5;  // plain steps
constexpr double kMostCredit = 8;     // plain steps: what was saved long ago is not there to be lost
constexpr int64_t kPlainEvery = 32;   // so many steps with drafts, then a plain one, to know what it costs now
constexpr int64_t kLongestPause = 1024;
constexpr double kMostOverrun = 3;  // a step that took longer than so many times what was expected was disturbed

// A drafted token that may be verified: the chance that it and all before it in its draft are right.
struct Token {
  double chance = 0;
  size_t candidate = 0;
};

}  // namespace

double SpeculationControl::chance(const Kind& kind, double likely) {
  return (kind.right + kind.trust * likely) / (kind.tried + kind.trust);
}

// What all of them together may lose in the coming step.
double SpeculationControl::open_accounts(std::span<const Candidate> candidates, double plain) {
  double credit = 0;
  for (const Candidate& candidate : candidates) {
    State& state = sequences_[candidate.sequence];
    if (!state.opened) state.balance += kFirstCredit * plain;
    state.opened = true;
    state.balance = std::min(state.balance, kMostCredit * plain);
    credit += state.balance;
  }
  return credit / static_cast<double>(candidates.size());
}

std::vector<int64_t> SpeculationControl::choose(std::span<const Candidate> candidates, int64_t room) {
  std::vector<int64_t> counts(candidates.size(), 0);
  const auto sequences = static_cast<int64_t>(candidates.size());
  if (sequences == 0 || sequences > StepCosts::kMostSequences) return counts;
  const std::optional<double> plain = costs_.plain(sequences);
  if (!plain || costs_.since_plain(sequences) >= kPlainEvery) return counts;
  const double credit = open_accounts(candidates, *plain);

  std::vector<Token> tokens;
  for (size_t c = 0; c < candidates.size(); ++c) {
    const DraftOffer& offer = candidates[c].offer;
    if (offer.most == 0) continue;
    MANG_CHECK(offer.kind >= 0 && offer.kind < kDraftKinds);
    const Kind& kind = sequences_[candidates[c].sequence].kinds[static_cast<size_t>(offer.kind)];
    const double right = chance(kind, offer.likely);
    double all = 1;
    for (int64_t i = 0; i < std::min(offer.most, kMostDrafts); ++i) tokens.push_back({all *= right, c});
  }
  std::stable_sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.chance > b.chance; });
  const int64_t most = std::min({static_cast<int64_t>(tokens.size()), room, costs_.known_drafts(sequences)});

  // As many as give the most tokens a second, of those that can be afforded if all are wrong.
  const auto affordable = [&](int64_t drafts) { return costs_.with_drafts(sequences, drafts) - *plain <= credit; };
  double best = static_cast<double>(sequences) / *plain * kLeastGain;
  double expected = static_cast<double>(sequences);
  int64_t chosen = 0;
  for (int64_t n = 1; n <= most; ++n) {
    expected += tokens[static_cast<size_t>(n - 1)].chance;
    const double speed = expected / costs_.with_drafts(sequences, n);
    if (speed <= best || !affordable(n)) continue;
    best = speed;
    chosen = n;
  }
  for (int64_t i = 0; i < chosen; ++i) ++counts[tokens[static_cast<size_t>(i)].candidate];

  // What would not pay is tried again now and then, one token at a time: texts and machines change.
  for (size_t c = 0; c < candidates.size(); ++c) {
    const DraftOffer& offer = candidates[c].offer;
    if (offer.most == 0 || counts[c] > 0) continue;
    State& state = sequences_[candidates[c].sequence];
    Kind& kind = state.kinds[static_cast<size_t>(offer.kind)];
    ++state.declined;
    ++kind.idle;
    if (!wants_try(kind) || chosen >= room || !affordable(chosen + 1)) continue;
    counts[c] = 1;
    ++chosen;
    --state.declined;
  }
  return counts;
}

void SpeculationControl::step_done(std::span<const Outcome> outcomes, double seconds) {
  const auto sequences = static_cast<int64_t>(outcomes.size());
  if (sequences == 0 || sequences > StepCosts::kMostSequences) return;
  int64_t drafted = 0;
  for (const Outcome& outcome : outcomes) drafted += outcome.drafted;
  const std::optional<double> plain = costs_.plain(sequences);
  const double booked =
      plain && drafted > 0 ? std::min(seconds, kMostOverrun * costs_.with_drafts(sequences, drafted)) : seconds;
  costs_.measured(sequences, drafted, seconds);
  for (const Outcome& outcome : outcomes) {
    const auto found = sequences_.find(outcome.sequence);
    if (found == sequences_.end()) continue;  // it has ended
    State& state = found->second;
    state.balance += kAllowance * booked;
    // Without a plain step to compare with nothing was drafted; a plain step saves and loses nothing.
    if (plain && drafted > 0) state.balance += static_cast<double>(1 + outcome.accepted) * *plain - booked;
    if (outcome.drafted == 0) continue;
    Kind& kind = state.kinds[static_cast<size_t>(outcome.kind)];
    kind.right = kind.right * kFade + static_cast<double>(outcome.accepted);
    kind.tried = kind.tried * kFade + static_cast<double>(std::min(outcome.accepted + 1, outcome.drafted));
    kind.trust *= kFade;
    if (kind.idle >= kind.pause)
      kind.pause = outcome.accepted > 0 ? kFirstPause : std::min(kind.pause * 2, kLongestPause);
    kind.idle = 0;
  }
}

int64_t SpeculationControl::declined(uint64_t sequence) const {
  const auto found = sequences_.find(sequence);
  return found == sequences_.end() ? 0 : found->second.declined;
}

}  // namespace mang
