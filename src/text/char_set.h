// A set of characters: sorted ranges, with a bitmap in front for ASCII. Covers invalid bytes' values as well.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "text/unicode.h"

namespace mang {

class CharSet {
 public:
  using Range = std::pair<char32_t, char32_t>;  // first, last
  static constexpr char32_t kLast = kInvalidByte + 255;

  CharSet() = default;
  static CharSet of(char32_t first, char32_t last) { return from_ranges({{first, last}}); }
  static CharSet from_ranges(std::vector<Range> ranges);
  template <typename Predicate>
  static CharSet where(Predicate&& predicate) {
    std::vector<Range> ranges;
    for (char32_t c = 0; c <= kLast; ++c) {
      if (!predicate(c)) continue;
      if (!ranges.empty() && ranges.back().second + 1 == c) {
        ranges.back().second = c;
      } else {
        ranges.emplace_back(c, c);
      }
    }
    return from_ranges(std::move(ranges));
  }

  [[nodiscard]] bool contains(char32_t c) const {
    if (c < 128) return (ascii_[c >> 6] >> (c & 63) & 1) != 0;
    return contains_slow(c);
  }
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

  [[nodiscard]] CharSet complement() const;
  [[nodiscard]] CharSet united(const CharSet& other) const;
  [[nodiscard]] CharSet intersected(const CharSet& other) const;

 private:
  [[nodiscard]] bool contains_slow(char32_t c) const;
  std::vector<Range> ranges_;
  std::array<uint64_t, 2> ascii_{};
};

}  // namespace mang
