// Follows the beginning of a text through a change of its characters: how many bytes of the new text stem from the
// first `origin` bytes of the old one. Source: the alignments of Hugging Face's NormalizedString.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/unicode.h"

namespace mang {

class OriginTracker {
 public:
  OriginTracker(std::string_view old_text, size_t origin) : old_(old_text), old_origin_(origin) {}

  // The next new character: `change` 1: an addition to the one before; 0: stands for one old character; −n: for 1 + n.
  void add(size_t bytes, int32_t change) {
    if (done_) return;
    const size_t aligned = change > 0 ? (position_ == 0 ? 0 : position_ - 1) : position_;
    if (aligned >= old_origin_) {
      done_ = true;
      return;
    }
    new_origin_ += bytes;
    for (int32_t taken = change; taken <= 0 && position_ < old_.size(); ++taken) {
      position_ += decode_utf8(old_.data() + position_, old_.data() + old_.size()).length;
    }
  }
  [[nodiscard]] size_t origin() const { return new_origin_; }

 private:
  std::string_view old_;
  size_t old_origin_;
  size_t position_ = 0;
  size_t new_origin_ = 0;
  bool done_ = false;
};

}  // namespace mang
