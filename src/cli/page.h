// Labelled rows for people.
#pragma once

#include <string>
#include <string_view>

namespace mang::cli {

// Characters of UTF-8 text: close enough to columns for names, numbers and the languages spoken here.
size_t columns(std::string_view text);

// Text broken at its spaces into lines of at most `width` columns, where words allow it. It begins after `indent`
// columns, and so do the lines below.
std::string wrapped(std::string_view text, size_t indent, size_t width);

class Page {
 public:
  // width: columns of the terminal; longer rows go on below, in line with their values. 0: not for a terminal, where a
  // row is a line and text is left as it is; a terminal gets no control characters.
  Page(size_t indent, size_t label_width, size_t width) : indent_(indent), label_width_(label_width), width_(width) {}

  void title(const std::string& text);
  void row(const std::string& label, const std::string& value);

  // What was written, lines ended.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  size_t indent_, label_width_, width_;
  std::string text_;
};

}  // namespace mang::cli
