#include "engine/speculation.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace mang {

namespace {

constexpr double kAnySeconds = 1e9;

}  // namespace

Speculator::Speculator(std::unique_ptr<DraftSource> source, Speculate when) : source_(std::move(source)), when_(when) {
  MANG_CHECK(when != Speculate::off);
}

std::vector<std::vector<int32_t>> Speculator::draft(std::span<const Candidate> candidates, int64_t room) {
  offers_.clear();
  drafting_seconds_ = reading_seconds_ = 0;
  for (const Candidate& c : candidates) {
    const int64_t most = std::min(c.most, SpeculationControl::kMostDrafts);
    const double spare = when_ == Speculate::measured ? control_.spare(c.sequence) : kAnySeconds;
    const DraftOffer offer = most > 0 ? source_->offer(c.sequence, c.tokens, most, spare) : DraftOffer{};
    offers_.push_back({c.sequence, offer, c.seconds_before});
  }
  std::vector<int64_t> counts;
  if (when_ == Speculate::measured) {
    counts = control_.choose(offers_, room);
  } else {
    for (const SpeculationControl::Candidate& candidate : offers_) {
      counts.push_back(std::min(candidate.offer.most, room));
      room -= counts.back();
    }
  }
  std::vector<DraftRequest> requests;
  std::vector<size_t> of;  // request → candidate
  for (size_t c = 0; c < candidates.size(); ++c) {
    if (counts[c] == 0) continue;
    requests.push_back({candidates[c].sequence, candidates[c].tokens, counts[c], {}});
    of.push_back(c);
  }
  std::vector<std::vector<int32_t>> drafts(candidates.size());
  if (requests.empty()) return drafts;
  const auto before = std::chrono::steady_clock::now();
  reading_seconds_ = source_->draft(requests);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - before;
  drafting_seconds_ = std::max(taken.count() - reading_seconds_, 0.0);
  for (size_t r = 0; r < requests.size(); ++r) drafts[of[r]] = std::move(requests[r].ids);
  return drafts;
}

void Speculator::step_done(std::span<const Outcome> outcomes, double seconds) {
  MANG_CHECK(outcomes.size() == offers_.size());
  if (when_ != Speculate::measured) return;
  std::vector<SpeculationControl::Outcome> known;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    known.push_back({offers_[i].sequence, offers_[i].offer.kind, outcomes[i].verified, outcomes[i].accepted});
  }
  control_.step_done(known, seconds, reading_seconds_);
}

void Speculator::forget(uint64_t sequence) {
  source_->forget(sequence);
  control_.forget(sequence);
}

}  // namespace mang
