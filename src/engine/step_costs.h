// What steps cost: the time of a step that writes answers of so many sequences, and verifies so many drafted tokens
// beside them. Medians of the last few, so that a moment in which something else ran changes nothing; steps with drafts
// as multiples of the plain ones at their time, so that a machine that became slower as a whole changes nothing either.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

namespace mang {

class StepCosts {
 public:
  static constexpr int64_t kMostSequences = 16;  // steps of more are not measured, and nothing is drafted in them
  static constexpr int64_t kMostDrafts = 64;     // of a step, all sequences together

  // drafts: 0 of a plain step; more only once plain() is known. sequences: from 1.
  void measured(int64_t sequences, int64_t drafts, double seconds);

  // Of a plain step; nullopt: not measured often enough to compare with.
  [[nodiscard]] std::optional<double> plain(int64_t sequences) const;
  // Of a step with drafts, read off the nearest ones that were measured. plain() must be known.
  [[nodiscard]] double with_drafts(int64_t sequences, int64_t drafts) const;
  // The same, and where so many were never tried what they take at most on any sensible machine: half a plain step
  // each.
  [[nodiscard]] double at_most(int64_t sequences, int64_t drafts) const;
  // Other sequences, or other lengths of them: plain steps have to be measured anew, the multiples stay.
  void forget_plain(int64_t sequences);
  // Drafts for which with_drafts() is not too bold: twice what was tried, 2 to begin with.
  [[nodiscard]] int64_t known_drafts(int64_t sequences) const;
  // Steps with drafts since the last plain one.
  [[nodiscard]] int64_t since_plain(int64_t sequences) const;

 private:
  struct Recent {
    static constexpr int64_t kKept = 7;
    std::array<double, kKept> values{};
    int64_t count = 0;  // ever
    void add(double value);
    [[nodiscard]] double median() const;
  };
  struct Row {
    Recent plain;                         // seconds
    std::map<int64_t, Recent> by_drafts;  // × plain; from 1 draft on
    int64_t since_plain = 0;
  };
  std::map<int64_t, Row> rows_;  // by sequences
};

}  // namespace mang
