#include "engine/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace mang {

void StopMatcher::Pattern::advance(char c) {
  while (state > 0 && (state == text.size() || text[state] != c)) state = border[state - 1];
  if (text[state] == c) ++state;
}

StopMatcher::StopMatcher(const std::vector<std::string>& stops) {
  patterns_.reserve(stops.size());
  for (const std::string& stop : stops) {
    Pattern& pattern = patterns_.emplace_back(Pattern{stop, std::vector<uint32_t>(stop.size(), 0), 0});
    uint32_t length = 0;
    for (size_t i = 1; i < stop.size(); ++i) {
      while (length > 0 && stop[length] != stop[i]) length = pattern.border[length - 1];
      if (stop[length] == stop[i]) ++length;
      pattern.border[i] = length;
    }
  }
}

std::string StopMatcher::feed(std::string_view piece) {
  if (matched_ != nullptr) return {};
  size_t hold = 0;  // bytes at the end of held_ that may begin a stop string
  for (const char c : piece) {
    held_.push_back(c);
    hold = 0;
    const Pattern* complete = nullptr;
    for (Pattern& pattern : patterns_) {
      pattern.advance(c);
      hold = std::max<size_t>(hold, pattern.state);
      const bool ends = pattern.state == pattern.text.size();
      if (ends && (complete == nullptr || pattern.text.size() > complete->text.size())) complete = &pattern;
    }
    if (complete == nullptr) continue;
    matched_ = &complete->text;
    held_.resize(held_.size() - complete->text.size());
    return std::exchange(held_, {});
  }
  if (piece.empty()) return {};
  std::string certain = held_.substr(0, held_.size() - hold);
  held_.erase(0, certain.size());
  return certain;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

}  // namespace mang
