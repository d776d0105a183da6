#include "engine/covering_array.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

namespace mang {

namespace {

using Pair = std::tuple<size_t, int, size_t, int>;

class Builder {
 public:
  Builder(std::span<const int> levels, const MayMeet& may_meet) : levels_(levels), may_meet_(may_meet) {
    used_.resize(levels.size());
    for (size_t f = 0; f < levels.size(); ++f) used_[f].resize(static_cast<size_t>(levels[f]));
    for (size_t f = 0; f < levels.size(); ++f) {
      for (size_t g = f + 1; g < levels.size(); ++g) {
        for (int a = 0; a < levels[f]; ++a) {
          for (int b = 0; b < levels[g]; ++b) {
            if (allowed(f, a, g, b)) open_.insert({f, a, g, b});
          }
        }
      }
    }
  }

  std::vector<std::vector<int>> rows() {
    std::vector<std::vector<int>> rows;
    while (!open_.empty()) {
      const Pair first = *open_.begin();
      std::optional<std::vector<int>> row = row_with(first);
      if (!row) {
        open_.erase(first);  // other factors leave no room for it
        continue;
      }
      for (size_t f = 0; f < row->size(); ++f) {
        ++used_[f][static_cast<size_t>((*row)[f])];
        for (size_t g = f + 1; g < row->size(); ++g) open_.erase({f, (*row)[f], g, (*row)[g]});
      }
      rows.push_back(std::move(*row));
    }
    return rows;
  }

 private:
  static constexpr int kOpen = -1;

  [[nodiscard]] bool allowed(size_t f, int a, size_t g, int b) const {
    if (!may_meet_) return true;
    return f < g ? may_meet_(f, a, g, b) : may_meet_(g, b, f, a);
  }
  [[nodiscard]] bool fits(const std::vector<int>& row, size_t f, int value) const {
    for (size_t g = 0; g < row.size(); ++g) {
      if (g != f && row[g] != kOpen && !allowed(f, value, g, row[g])) return false;
    }
    return true;
  }
  // Pairs that this value of f would cover first, with what is chosen already.
  [[nodiscard]] int64_t gain(const std::vector<int>& row, size_t f, int value) const {
    int64_t count = 0;
    for (size_t g = 0; g < row.size(); ++g) {
      if (g == f || row[g] == kOpen) continue;
      count += open_.contains(f < g ? Pair{f, value, g, row[g]} : Pair{g, row[g], f, value}) ? 1 : 0;
    }
    return count;
  }

  // The pair, and each other factor's value that covers the most; among equals the one used least so far.
  std::optional<std::vector<int>> row_with(const Pair& pair) const {
    std::vector<int> row(levels_.size(), kOpen);
    row[std::get<0>(pair)] = std::get<1>(pair);
    row[std::get<2>(pair)] = std::get<3>(pair);
    for (size_t f = 0; f < row.size(); ++f) {
      if (row[f] != kOpen) continue;
      std::optional<std::tuple<int64_t, int64_t, int>> best;  // gain, −uses, −value
      for (int value = 0; value < levels_[f]; ++value) {
        if (!fits(row, f, value)) continue;
        const std::tuple candidate{gain(row, f, value), -used_[f][static_cast<size_t>(value)], -value};
        if (!best || candidate > *best) best = candidate;
      }
      if (!best) return std::nullopt;
      row[f] = -std::get<2>(*best);
    }
    return row;
  }

  std::span<const int> levels_;
  const MayMeet& may_meet_;
  std::set<Pair> open_;                     // still to be covered
  std::vector<std::vector<int64_t>> used_;  // [factor][value]
};

}  // namespace

std::vector<std::vector<int>> pairwise_rows(std::span<const int> levels, const MayMeet& may_meet) {
  return Builder(levels, may_meet).rows();
}

}  // namespace mang
