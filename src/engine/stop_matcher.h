// Finds stop strings in a stream of text pieces and holds back what might be the beginning of one. How the text was cut
// into pieces makes no difference: the stop string that is complete first wins; of two that end together, the longer.
// Source: Knuth, Morris, Pratt 1977.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mang {

class StopMatcher {
 public:
  explicit StopMatcher(const std::vector<std::string>& stops);  // none of them empty, all UTF-8

  // The text that is certain not to belong to a stop string. After a match: the rest before it, then nothing.
  std::string feed(std::string_view piece);
  // What is still held back, at the end of the stream.
  std::string finish();
  // The stop string found; nullptr: none yet.
  [[nodiscard]] const std::string* matched() const { return matched_; }

 private:
  struct Pattern {
    std::string text;
    std::vector<uint32_t> border;  // border[i]: the longest proper beginning of text[0 … i] that is also its end
    uint32_t state = 0;            // bytes of text that the stream ends with
    void advance(char c);
  };
  std::vector<Pattern> patterns_;
  std::string held_;  // not handed out yet
  const std::string* matched_ = nullptr;
};

}  // namespace mang
