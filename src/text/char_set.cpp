#include "text/char_set.h"

#include <algorithm>

namespace mang {

CharSet CharSet::from_ranges(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  CharSet set;
  for (const auto& [first, last] : ranges) {
    if (first > last) continue;
    if (!set.ranges_.empty() && first <= set.ranges_.back().second + 1) {
      set.ranges_.back().second = std::max(set.ranges_.back().second, last);
    } else {
      set.ranges_.emplace_back(first, last);
    }
  }
  for (char32_t c = 0; c < 128; ++c) {
    if (set.contains_slow(c)) set.ascii_[c >> 6] |= uint64_t{1} << (c & 63);
  }
  return set;
}

bool CharSet::contains_slow(char32_t c) const {
  const auto it = std::upper_bound(ranges_.begin(), ranges_.end(), c,
                                   [](char32_t value, const Range& range) { return value < range.first; });
  return it != ranges_.begin() && std::prev(it)->second >= c;
}

CharSet CharSet::complement() const {
  std::vector<Range> out;
  char32_t next = 0;
  for (const auto& [first, last] : ranges_) {
    if (first > next) out.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= kLast) out.emplace_back(next, kLast);
  return from_ranges(std::move(out));
}

CharSet CharSet::united(const CharSet& other) const {
  std::vector<Range> all = ranges_;
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  return from_ranges(std::move(all));
}

CharSet CharSet::intersected(const CharSet& other) const {
  return complement().united(other.complement()).complement();
}

}  // namespace mang
