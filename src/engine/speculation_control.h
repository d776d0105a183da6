// Whether drafts pay, decided anew before each step from what was measured: the time of steps with and without drafts
// (step_costs.h), and how often drafts of each kind were right in each sequence. A decision changes the time an answer
// takes and never the answer, so it may depend on the clock.
//
// That speculation cannot cost much does not rest on the estimates being right: each sequence has an account, in
// seconds. A step is booked as what it saved against plain steps for the tokens it gave; what may be lost is what was
// saved before and 1.5 % of the time that has passed since the request's first step, reading the prompt included.
// Nothing is tried that could lose more, a draft model's reading of the prompt included. So an answer of any length,
// from the request's first step to its last, takes at most 1.015 times its plain time, and what a step took longer than
// it was known to take: of what was never tried it is believed that a drafted token takes half a plain step at most.
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
    double seconds_before = 0;  // from its first step to its first token
  };
  // How many tokens to draft for each, at most its offer and `room` together. `declined` of sequences whose offer was
  // not taken up because it would not have paid are counted.
  std::vector<int64_t> choose(std::span<const Candidate> candidates, int64_t room);

  // Seconds that a sequence may lose now.
  [[nodiscard]] double spare(uint64_t sequence) const;

  // What came of it.
  struct Outcome {
    uint64_t sequence = 0;
    int kind = 0;
    int64_t drafted = 0;
    int64_t accepted = 0;
  };
  // reading: seconds that a draft model took to read what it had not read yet, before and not counted in the step's.
  void step_done(std::span<const Outcome> outcomes, double seconds, double reading = 0);

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
    int64_t declined = 0;
  };
  static double chance(const Kind& kind, double likely);
  static bool wants_try(const Kind& kind) { return kind.idle >= kind.pause; }
  void open_accounts(std::span<const Candidate> candidates);
  double credit(std::span<const Candidate> candidates, double plain);

  StepCosts costs_;
  std::vector<uint64_t> present_;  // in the last step
  std::unordered_map<uint64_t, State> sequences_;
};

}  // namespace mang
