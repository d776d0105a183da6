#include "engine/covering_array.h"

#include <doctest/doctest.h>

#include <numeric>
#include <set>
#include <tuple>

namespace mang {
namespace {

using Rows = std::vector<std::vector<int>>;

// Pairs that meet in some row.
std::set<std::tuple<size_t, int, size_t, int>> met(const Rows& rows) {
  std::set<std::tuple<size_t, int, size_t, int>> out;
  for (const auto& row : rows) {
    for (size_t f = 0; f < row.size(); ++f) {
      for (size_t g = f + 1; g < row.size(); ++g) out.insert({f, row[f], g, row[g]});
    }
  }
  return out;
}

size_t pairs_of(const std::vector<int>& levels) {
  size_t count = 0;
  for (size_t f = 0; f < levels.size(); ++f) {
    for (size_t g = f + 1; g < levels.size(); ++g) count += static_cast<size_t>(levels[f] * levels[g]);
  }
  return count;
}

TEST_CASE("every two values of two factors meet, in far fewer rows than there are combinations") {
  const std::vector<std::vector<int>> cases = {
      {1}, {4}, {2, 2}, {3, 3, 3, 3}, {5, 4, 4, 4, 3, 3, 3, 2}, {1, 1, 7, 1, 2}, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2}};
  for (const std::vector<int>& levels : cases) {
    const Rows rows = pairwise_rows(levels);
    for (const auto& row : rows) {
      REQUIRE(row.size() == levels.size());
      for (size_t f = 0; f < row.size(); ++f) {
        CHECK(row[f] >= 0);
        CHECK(row[f] < levels[f]);
      }
    }
    CHECK(met(rows).size() == pairs_of(levels));
    CHECK(rows == pairwise_rows(levels));
  }
  CHECK(pairwise_rows(cases[4]).size() <= 32);  // of 25,920; 20 is the least there could be
}

TEST_CASE("what may not meet does not, and all else still does") {
  const std::vector<int> levels = {4, 4, 3, 2};
  const MayMeet may_meet = [](size_t f, int a, size_t g, int b) {
    return !(f == 0 && g == 3 && a == 0 && b == 1) && !(f == 1 && g == 2 && a == b);
  };
  const Rows rows = pairwise_rows(levels, may_meet);
  size_t forbidden = 0;
  for (size_t f = 0; f < levels.size(); ++f) {
    for (size_t g = f + 1; g < levels.size(); ++g) {
      for (int a = 0; a < levels[f]; ++a) {
        for (int b = 0; b < levels[g]; ++b) {
          const bool meets = met(rows).contains({f, a, g, b});
          CHECK(meets == may_meet(f, a, g, b));
          forbidden += may_meet(f, a, g, b) ? 0 : 1;
        }
      }
    }
  }
  CHECK(forbidden == 4);
}

}  // namespace
}  // namespace mang
