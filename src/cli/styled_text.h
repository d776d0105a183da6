// Pieces of text with a style, laid out in the columns of a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mang::cli {

using Style = uint8_t;  // a sum of these
inline constexpr Style kBold = 1, kItalic = 2, kCode = 4, kStrike = 8, kUnderline = 16, kDim = 32;

struct Run {
  std::string text;  // one line, without control characters
  Style style = 0;
};

// The columns of text in which style_sequence() may stand.
size_t visible_columns(std::string_view text);

// Breaks runs at their spaces, and beside wide characters, so that no line is longer than `width` columns; a word that
// is longer than a line is cut. Lines after the first begin with `indent`. Styles end before each newline and go on
// after it.
class Layout {
 public:
  // Begins at a column; fresh: nothing but an indent stands before it.
  Layout(size_t width, std::string indent, bool colour) : width_(width), indent_(std::move(indent)), colour_(colour) {}

  void begin(size_t column) {
    column_ = column;
    fresh_ = true;
    spaces_ = 0;
  }
  void put(const std::vector<Run>& runs);
  void new_line();

  // What is to be written since the last call.
  std::string take();
  [[nodiscard]] size_t column() const { return column_; }

 private:
  struct Cell;
  void put_word(const Cell* begin, const Cell* end);
  void set_style(Style style);

  size_t width_;
  std::string indent_;
  bool colour_;
  size_t column_ = 0;
  bool fresh_ = true;   // a word may stand here whatever its length
  size_t spaces_ = 0;   // due before the next word; more than one only in code
  Style space_style_ = 0;
  Style style_ = 0;  // in force at the end of out_
  std::string out_;
};

// Whether a line may end between two characters that are no spaces.
bool may_break(char32_t before, char32_t after);

// The escape sequence that sets exactly this style.
std::string style_sequence(Style style, bool colour);

}  // namespace mang::cli
