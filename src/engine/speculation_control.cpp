#include "engine/speculation_control.h"

#include <algorithm>

#include "base/check.h"

namespace mang {

namespace {

constexpr double kFade = 0.9;         // of what was learnt, with each new draft
constexpr double kLeastGain = 1.02;   // below that it is not worth the trouble
constexpr double kAllowance = 0.015;  // of the time that passes may be lost
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

void SpeculationControl::open_accounts(std::span<const Candidate> candidates) {
  std::vector<uint64_t> present;
  for (const Candidate& candidate : candidates) {
    present.push_back(candidate.sequence);
    const auto [state, is_new] = sequences_.try_emplace(candidate.sequence);
    if (is_new) state->second.balance = kAllowance * candidate.seconds_before;
  }
  // What a plain step took of a long text says nothing about a short one.
  if (present != present_) costs_.forget_plain(static_cast<int64_t>(present.size()));
  present_ = std::move(present);
}

// What may be lost in the coming step, in which all wait for all.
double SpeculationControl::credit(std::span<const Candidate> candidates, double plain) {
  double sum = 0;
  for (const Candidate& candidate : candidates) {
    State& state = sequences_.at(candidate.sequence);
    state.balance = std::min(state.balance, kMostCredit * plain);
    sum += state.balance;
  }
  return sum / static_cast<double>(candidates.size());
}

double SpeculationControl::spare(uint64_t sequence) const {
  const auto found = sequences_.find(sequence);
  return found == sequences_.end() ? 0 : std::max(found->second.balance, 0.0);
}

std::vector<int64_t> SpeculationControl::choose(std::span<const Candidate> candidates, int64_t room) {
  std::vector<int64_t> counts(candidates.size(), 0);
  const auto sequences = static_cast<int64_t>(candidates.size());
  if (sequences == 0 || sequences > StepCosts::kMostSequences) return counts;
  open_accounts(candidates);
  const std::optional<double> plain = costs_.plain(sequences);
  if (!plain || costs_.since_plain(sequences) >= kPlainEvery) return counts;
  const double most_lost = credit(candidates, *plain);

  std::vector<Token> tokens;
  for (size_t c = 0; c < candidates.size(); ++c) {
    const DraftOffer& offer = candidates[c].offer;
    if (offer.most == 0 || offer.seconds > 0) continue;
    MANG_CHECK(offer.kind >= 0 && offer.kind < kDraftKinds);
    const Kind& kind = sequences_[candidates[c].sequence].kinds[static_cast<size_t>(offer.kind)];
    const double right = chance(kind, offer.likely);
    double all = 1;
    for (int64_t i = 0; i < std::min(offer.most, kMostDrafts); ++i) tokens.push_back({all *= right, c});
  }
  std::stable_sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.chance > b.chance; });
  const int64_t most = std::min({static_cast<int64_t>(tokens.size()), room, costs_.known_drafts(sequences)});

  // As many as give the most tokens a second, of those that can be afforded if all are wrong.
  const auto affordable = [&](int64_t drafts, double reading) {
    return costs_.at_most(sequences, drafts) - *plain + reading <= most_lost;
  };
  double best = static_cast<double>(sequences) / *plain * kLeastGain;
  double expected = static_cast<double>(sequences);
  int64_t chosen = 0;
  for (int64_t n = 1; n <= most; ++n) {
    expected += tokens[static_cast<size_t>(n - 1)].chance;
    const double speed = expected / costs_.with_drafts(sequences, n);
    if (speed <= best || !affordable(n, 0)) continue;
    best = speed;
    chosen = n;
  }
  for (int64_t i = 0; i < chosen; ++i) ++counts[tokens[static_cast<size_t>(i)].candidate];

  // What would not pay is tried again now and then, one token at a time: texts and machines change. So is what has to
  // be read before anything is known of it.
  double reading = 0;
  for (size_t c = 0; c < candidates.size(); ++c) {
    const DraftOffer& offer = candidates[c].offer;
    if (offer.most == 0 || counts[c] > 0) continue;
    State& state = sequences_[candidates[c].sequence];
    Kind& kind = state.kinds[static_cast<size_t>(offer.kind)];
    ++state.declined;
    ++kind.idle;
    const bool is_first = offer.seconds > 0 && kind.tried == 0;
    if (!is_first && !wants_try(kind)) continue;
    if (chosen >= room || !affordable(chosen + 1, reading + offer.seconds)) continue;
    reading += offer.seconds;
    counts[c] = 1;
    ++chosen;
    --state.declined;
  }
  return counts;
}

void SpeculationControl::step_done(std::span<const Outcome> outcomes, double seconds, double reading) {
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
    state.balance += kAllowance * (booked + reading) - reading;
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
