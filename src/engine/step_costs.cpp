#include "engine/step_costs.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/check.h"

namespace mang {

namespace {

constexpr int64_t kEnough = 3;       // plain steps before anything is compared with them
constexpr int64_t kFirstDrafts = 2;  // tried first
// What a drafted token costs of a plain step, where none was measured: probably, and at most.
constexpr double kGuess = 0.25;
constexpr double kMost = 0.5;

}  // namespace

void StepCosts::Recent::add(double value) { values[static_cast<size_t>(count++ % kKept)] = value; }

double StepCosts::Recent::median() const {
  std::vector<double> sorted(values.begin(), values.begin() + std::min(count, kKept));
  std::sort(sorted.begin(), sorted.end());
  return sorted[(sorted.size() - 1) / 2];
}

void StepCosts::measured(int64_t sequences, int64_t drafts, double seconds) {
  MANG_CHECK(sequences >= 1 && drafts >= 0);
  if (sequences > kMostSequences || drafts > kMostDrafts || !(seconds > 0)) return;
  Row& row = rows_[sequences];
  if (drafts == 0) {
    row.plain.add(seconds);
    row.since_plain = 0;
  } else if (row.plain.count >= kEnough) {
    row.by_drafts[drafts].add(seconds / row.plain.median());
    ++row.since_plain;
  }
}

std::optional<double> StepCosts::plain(int64_t sequences) const {
  const auto row = rows_.find(sequences);
  if (row == rows_.end() || row->second.plain.count < kEnough) return std::nullopt;
  return row->second.plain.median();
}

double StepCosts::with_drafts(int64_t sequences, int64_t drafts) const {
  const Row& row = rows_.at(sequences);
  const double plain = row.plain.median();
  const std::map<int64_t, Recent>& known = row.by_drafts;
  if (known.empty()) return plain * (1 + kGuess * static_cast<double>(drafts));
  // On the line through the two neighbours, or through the last two; no draft at all costs 1.
  auto above = known.lower_bound(drafts);
  if (above == known.end()) --above;
  const bool first = above == known.begin();
  const auto at_low = static_cast<double>(first ? 0 : std::prev(above)->first);
  const double low = first ? 1 : std::prev(above)->second.median();
  const double high = above->second.median();
  const double slope = std::max(high - low, 0.0) / (static_cast<double>(above->first) - at_low);
  const double value = high + slope * static_cast<double>(drafts - above->first);
  return plain * value;
}

double StepCosts::at_most(int64_t sequences, int64_t drafts) const {
  const Row& row = rows_.at(sequences);
  const int64_t known = row.by_drafts.empty() ? 0 : row.by_drafts.rbegin()->first;
  const double measured = known == 0 ? row.plain.median() : with_drafts(sequences, std::min(drafts, known));
  return measured + kMost * row.plain.median() * static_cast<double>(std::max<int64_t>(drafts - known, 0));
}

void StepCosts::forget_plain(int64_t sequences) {
  const auto row = rows_.find(sequences);
  if (row != rows_.end()) row->second.plain.count = 0;
}

int64_t StepCosts::known_drafts(int64_t sequences) const {
  const auto row = rows_.find(sequences);
  const int64_t most = row == rows_.end() || row->second.by_drafts.empty() ? 0 : row->second.by_drafts.rbegin()->first;
  return std::min(std::max(most * 2, kFirstDrafts), kMostDrafts);
}

int64_t StepCosts::since_plain(int64_t sequences) const {
  const auto row = rows_.find(sequences);
  return row == rows_.end() ? 0 : row->second.since_plain;
}

}  // namespace mang
