// Drafts by looking up: where do the last tokens stand earlier in the prompt or the answer, and what followed there?
// Answers that repeat what they were given (code to change, a text to sum up, a table) are often guessed so.
// Sources: Saxena 2023 (prompt look-up decoding); Ziv, Lempel 1977 (a match may run into its own copy); the chains of
// places are those of the DEFLATE compressors.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/draft_source.h"

namespace mang {

// The places of all pairs of neighbours in one sequence.
class NgramIndex {
 public:
  struct Match {
    int64_t next = 0;    // where what followed begins
    int64_t length = 0;  // tokens before it that are the same as the last ones here; 0: no match
  };
  static constexpr int64_t kShortest = 2;
  static constexpr int64_t kLongest = 16;          // longer ones are not told apart
  static constexpr int64_t kMostPlaces = 32;       // looked at
  static constexpr int64_t kIndexedAtOnce = 4096;  // tokens; what is left of a long prompt is indexed the next time

  // The longest match of the last tokens, of equally long ones the latest. tokens: as before, or more.
  Match find(std::span<const int32_t> tokens);

 private:
  void add(std::span<const int32_t> tokens);
  std::unordered_map<uint64_t, int32_t> latest_;  // pair → where its second token stands
  std::vector<int32_t> before_;                   // place → the place before with the same pair; −1: none
};

class NgramDraft : public DraftSource {
 public:
  DraftOffer offer(uint64_t sequence, std::span<const int32_t> tokens, int64_t most, double seconds) override;
  double draft(std::span<DraftRequest> requests) override;
  void forget(uint64_t sequence) override;

 private:
  struct State {
    NgramIndex index;
    NgramIndex::Match match;
  };
  std::unordered_map<uint64_t, State> sequences_;
};

}  // namespace mang
