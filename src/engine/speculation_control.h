// Whether drafts pay, decided anew before each step from what was measured: the time of steps with and without drafts
// (step_costs.h), and how often drafts of each kind were right in each sequence. A decision changes the time an answer
// takes and never the answer, so it may depend on the clock.
//
// That speculation cannot cost much does not rest on the estimates being right: each sequence has an account, in
// seconds. A step is booked as what it saved against plain steps for the tokens it gave; what is lost must have been
// saved before, but for half a plain step at the beginning and 1 % of the time that passed. So an answer of 128 tokens
// takes at most 1.014 times its plain time, and one step that was dearer than expected.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/draft_source.h"
#include "engine/step_costs.h"

namespace mang {

class SpeculationControl {
 public:
  static constexpr int64_t kMostDrafts = 8;  // of one sequence in one step
  static constexpr double kTrust = 2;
  static constexpr int64_t kFirstPause = 8;

  // A sequence that gets its next token in the coming step; those without an offer count too, for they wait.
  struct Candidate {
    uint64_t sequence = 0;
    DraftOffer offer;
  };
  // How many tokens to draft for each, at most its offer and `room` together. `declined` of sequences whose offer was
  // not taken up because it would not have paid are counted.
  std::vector<int64_t> choose(std::span<const Candidate> candidates, int64_t room);

  // What came of it.
  struct Outcome {
    uint64_t sequence = 0;
    int kind = 0;
    int64_t drafted = 0;
    int64_t accepted = 0;
  };
  void step_done(std::span<const Outcome> outcomes, double seconds);

  [[nodiscard]] int64_t declined(uint64_t sequence) const;
  void forget(uint64_t sequence) { sequences_.erase(sequence); }

 private:
  struct Kind {
    double right = 0, tried = 0;  // tokens, older ones counting less and less
    double trust = kTrust;        // tokens that the offer's own guess counts for, less and less
    int64_t idle = 0;             // offers not taken up since the last try
    int64_t pause = kFirstPause;  // so many before the next try; doubled by each that fails
  };
  struct State {
    std::array<Kind, kDraftKinds> kinds;
    double balance = 0;  // seconds
    bool opened = false;
    int64_t declined = 0;
  };
  static double chance(const Kind& kind, double likely);
  static bool wants_try(const Kind& kind) { return kind.idle >= kind.pause; }
  double open_accounts(std::span<const Candidate> candidates, double plain);

  StepCosts costs_;
  std::unordered_map<uint64_t, State> sequences_;
};

}  // namespace mang
