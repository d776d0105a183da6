#include "cli/styled_text.h"

#include <algorithm>
#include <utility>

#include "text/display_width.h"
#include "text/unicode.h"

namespace mang::cli {

struct Layout::Cell {  // a character, with the combining ones after it
  std::string_view text;
  uint8_t columns;
  Style style;
  char32_t value;
};

namespace {

// Punctuation that does not begin a line in Chinese and Japanese, and that which does not end one.
bool closes(char32_t c) {
  constexpr std::u32string_view kClosing = U"、。，．・：；？！゛゜ー）］｝」』】〉》〕”’…％";
  return kClosing.find(c) != std::u32string_view::npos;
}
bool opens(char32_t c) {
  constexpr std::u32string_view kOpening = U"（［｛「『【〈《〔“‘";
  return kOpening.find(c) != std::u32string_view::npos;
}

}  // namespace

bool may_break(char32_t before, char32_t after) {
  return (is_wide(before) || is_wide(after)) && !closes(after) && !opens(before);
}

std::string style_sequence(Style style, bool colour) {
  std::string codes = "0";
  if (style & kBold) codes += ";1";
  if (style & kDim) codes += ";2";
  if (style & kItalic) codes += ";3";
  if (style & kUnderline) codes += ";4";
  if (style & kStrike) codes += ";9";
  if (style & kCode && colour) codes += ";36";
  return "\x1b[" + codes + "m";
}

size_t visible_columns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const size_t escape = std::min(text.find('\x1b'), text.size());
    columns += display_width(text.substr(0, escape));
    text.remove_prefix(escape);
    if (!text.empty()) text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
  }
  return columns;
}

void Layout::set_style(Style style) {
  if (!colour_) style &= static_cast<Style>(~kCode);
  if (style == style_) return;
  out_ += style_sequence(style, colour_);
  style_ = style;
}

void Layout::new_line() {
  set_style(0);
  out_ += '\n';
  out_ += indent_;
  column_ = visible_columns(indent_);
  fresh_ = true;
  spaces_ = 0;
}

void Layout::put_word(const Cell* begin, const Cell* end) {
  size_t columns = 0;
  for (const Cell* cell = begin; cell < end; ++cell) columns += cell->columns;
  if (!fresh_ && column_ + spaces_ + columns > width_) new_line();
  if (spaces_ > 0 && !fresh_) {
    set_style(space_style_ & begin->style);
    out_.append(spaces_, ' ');
    column_ += spaces_;
  }
  spaces_ = 0;
  for (const Cell* cell = begin; cell < end; ++cell) {
    if (column_ + cell->columns > width_ && !fresh_) new_line();
    set_style(cell->style);
    out_ += cell->text;
    column_ += cell->columns;
    fresh_ = false;
  }
}

void Layout::put(const std::vector<Run>& runs) {
  std::vector<Cell> word;
  auto end_word = [&] {
    if (!word.empty()) put_word(word.data(), word.data() + word.size());
    word.clear();
  };
  for (const Run& run : runs) {
    const char* const end = run.text.data() + run.text.size();
    for (const char* p = run.text.data(); p < end;) {
      const Decoded c = decode_utf8(p, end);
      const Cell cell{{p, c.length}, static_cast<uint8_t>(display_width(c.value)), run.style, c.value};
      p += c.length;
      if (c.value == ' ') {
        end_word();
        space_style_ = run.style;
        spaces_ = run.style & kCode ? std::min(spaces_ + 1, width_) : 1;
        continue;
      }
      if (!word.empty() && cell.columns > 0 && may_break(word.back().value, c.value)) end_word();
      word.push_back(cell);
    }
  }
  end_word();
}

std::string Layout::take() {
  set_style(0);
  return std::exchange(out_, "");
}

}  // namespace mang::cli
