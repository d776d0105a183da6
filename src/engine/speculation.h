// Speculation: the next step of a sequence computes not only its last token but also a few that are likely to follow.
// Each is then drawn as always, from its own logits and its own random number; where the drawn token is the drafted
// one, the logits after it are there already. What a request answers is the same with and without, token for token.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/draft_source.h"
#include "engine/speculation_control.h"

namespace mang {

// measured: where it pays (speculation_control.h). always: whatever is offered, for tests and for measuring.
enum class Speculate { off, measured, always };

class Speculator {
 public:
  Speculator(std::unique_ptr<DraftSource> source, Speculate when);

  // A sequence that gets its next token in the coming step.
  struct Candidate {
    uint64_t sequence = 0;
    std::span<const int32_t> tokens;
    int64_t most = 0;           // drafted tokens that are of use to it
    double seconds_before = 0;  // from its first step to its first token
  };
  // A draft for each, perhaps empty; `room` tokens at most, all together.
  std::vector<std::vector<int32_t>> draft(std::span<const Candidate> candidates, int64_t room);
  // Of the same candidates: how many tokens were really verified, and how many of them were right. seconds: of the
  // step, drafting included.
  struct Outcome {
    int64_t verified = 0;
    int64_t accepted = 0;
  };
  void step_done(std::span<const Outcome> outcomes, double seconds);

  // What the drafts of the last draft() took; without a draft model's reading of what it had not read yet.
  [[nodiscard]] double drafting_seconds() const { return drafting_seconds_; }
  // Steps in which there was an offer that would not have paid.
  [[nodiscard]] int64_t declined(uint64_t sequence) const { return control_.declined(sequence); }
  void forget(uint64_t sequence);

 private:
  std::unique_ptr<DraftSource> source_;
  Speculate when_;
  SpeculationControl control_;
  std::vector<SpeculationControl::Candidate> offers_;  // of the step
  double drafting_seconds_ = 0;
  double reading_seconds_ = 0;
};

}  // namespace mang
