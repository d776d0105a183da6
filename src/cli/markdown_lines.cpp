#include "cli/markdown_lines.h"

#include <algorithm>

namespace mang::cli {
namespace {

// Reads along a line whose end may not be there yet.
struct Cursor {
  std::string_view line;
  bool complete;
  size_t at = 0;

  [[nodiscard]] bool ended() const { return at >= line.size(); }
  [[nodiscard]] bool unknown() const { return ended() && !complete; }  // more may come
  [[nodiscard]] char here() const { return ended() ? '\0' : line[at]; }
  [[nodiscard]] size_t spaces() const {
    size_t n = 0;
    while (at + n < line.size() && line[at + n] == ' ') ++n;
    return n;
  }
  [[nodiscard]] size_t same(char c) const {
    size_t n = 0;
    while (at + n < line.size() && line[at + n] == c) ++n;
    return n;
  }
};

enum class Answer { yes, no, unknown };

// "- ", "2. " at the cursor: the bytes of the marker.
Answer list_marker(const Cursor& cursor, size_t& length) {
  Cursor c = cursor;
  if (c.here() == '-' || c.here() == '*' || c.here() == '+') {
    ++c.at;
  } else {
    size_t digits = 0;
    while (c.here() >= '0' && c.here() <= '9' && digits < 10) {
      ++digits;
      ++c.at;
    }
    if (c.unknown() && digits > 0) return Answer::unknown;
    if (digits == 0 || digits > 9 || (c.here() != '.' && c.here() != ')')) return Answer::no;
    ++c.at;
  }
  if (c.unknown()) return Answer::unknown;
  length = c.at - cursor.at;
  return c.ended() || c.here() == ' ' ? Answer::yes : Answer::no;
}

// Three or more of one of -*_, and nothing else but spaces.
Answer is_rule(const Cursor& cursor) {
  const char mark = cursor.here();
  if (mark != '-' && mark != '*' && mark != '_') return Answer::no;
  size_t count = 0;
  for (size_t i = cursor.at; i < cursor.line.size(); ++i) {
    if (cursor.line[i] == mark) {
      ++count;
    } else if (cursor.line[i] != ' ') {
      return Answer::no;
    }
  }
  if (!cursor.complete) return Answer::unknown;
  return count >= 3 ? Answer::yes : Answer::no;
}

// How many of the open containers the line goes on with. Models often move lines of a list in by less than its marker
// is wide; a list marker that is moved in at all is taken for an inner list.
Answer match_containers(Cursor& c, const std::vector<Container>& open, size_t& matched) {
  for (matched = 0; matched < open.size(); ++matched) {
    const Container& container = open[matched];
    const size_t spaces = c.spaces();
    const bool only_spaces = c.at + spaces >= c.line.size();
    if (container.quote) {
      if (spaces > 3) return Answer::yes;
      if (only_spaces && !c.complete) return Answer::unknown;
      if (only_spaces || c.line[c.at + spaces] != '>') return Answer::yes;
      c.at += spaces + 1;
      if (c.unknown()) return Answer::unknown;
      if (c.here() == ' ') ++c.at;
    } else if (spaces >= container.indent) {
      c.at += container.indent;
    } else if (only_spaces) {
      if (!c.complete) return Answer::unknown;
      c.at += spaces;  // a blank line ends no list
    } else {
      Cursor inner = c;
      inner.at += spaces;
      size_t length = 0;
      const Answer marker = spaces >= 2 ? list_marker(inner, length) : Answer::no;
      if (marker == Answer::unknown) return Answer::unknown;
      if (marker == Answer::no) return Answer::yes;
      c.at += spaces;
    }
  }
  return Answer::yes;
}

// Opens a list item at the cursor where one begins there.
Answer open_item(Cursor& c, size_t spaces, bool may_be_text, LineStart& out) {
  size_t length = 0;
  const Answer marker = list_marker(c, length);
  if (marker != Answer::yes) return marker;
  Cursor after = c;
  after.at += length;
  const size_t gap = after.spaces();
  after.at += gap;
  if (after.unknown()) return Answer::unknown;
  const std::string_view text = c.line.substr(c.at, length);
  const bool ordered = length > 1;
  // Within a paragraph an empty item, or a list that does not begin at 1, is text.
  if (may_be_text && (after.ended() || (ordered && text.substr(0, length - 1) != "1"))) return Answer::no;
  const size_t inside = after.ended() || gap > 4 ? 1 : gap;
  Container item;
  item.ordered = ordered;
  item.marker = ordered ? std::string(text) : "•";
  item.indent = spaces + length + inside;
  out.opened.push_back(std::move(item));
  c.at += length + std::min(inside, gap);
  return Answer::yes;
}

// The kind of block that begins at the cursor, when it is not text. yes: `out` says which.
Answer block_at(const Cursor& c, LineStart& out) {
  out.content = c.at;
  const char mark = c.here();
  if (mark == '#') {
    const size_t level = c.same('#');
    const size_t after = c.at + level;
    if (after >= c.line.size() && !c.complete) return Answer::unknown;
    if (level > 6 || (after < c.line.size() && c.line[after] != ' ')) return Answer::no;
    out.kind = LineKind::heading;
    out.level = static_cast<int>(level);
    out.content = after;
    return Answer::yes;
  }
  if (mark == '`' || mark == '~') {
    const size_t length = c.same(mark);
    if (length < 3) return c.at + length >= c.line.size() && !c.complete ? Answer::unknown : Answer::no;
    if (mark == '`' && c.line.find('`', c.at + length) != std::string_view::npos) return Answer::no;
    if (!c.complete) return Answer::unknown;
    out.kind = LineKind::fence;
    out.fence = mark;
    out.fence_length = length;
    return Answer::yes;
  }
  return Answer::no;
}

}  // namespace

bool read_line_start(std::string_view line, bool complete, const std::vector<Container>& open, bool paragraph_open,
                     LineStart& out) {
  out = {};
  Cursor c{line, complete};
  if (match_containers(c, open, out.matched) == Answer::unknown) return false;
  const bool all_matched = out.matched == open.size();
  const bool in_list = std::any_of(open.begin(), open.end(), [](const Container& each) { return !each.quote; });
  for (;;) {
    const size_t spaces = c.spaces();
    const bool continues = paragraph_open && out.opened.empty();  // text here would go on with the paragraph
    if (c.at + spaces >= line.size()) {
      if (!complete) return false;
      out.kind = LineKind::blank;
      out.content = line.size();
      return true;
    }
    if (spaces >= 4 && !continues && out.opened.empty() && !in_list) {
      out.kind = LineKind::code;
      out.content = c.at;
      return true;
    }
    if (spaces >= 4 && continues && all_matched && !in_list) break;
    Cursor inner = c;
    inner.at += spaces;
    out.fence_indent = spaces;
    if (inner.here() == '>') {
      ++inner.at;
      if (inner.unknown()) return false;
      if (inner.here() == ' ') ++inner.at;
      Container quote;
      quote.quote = true;
      out.opened.push_back(quote);
      c = inner;
      continue;
    }
    const Answer rule = is_rule(inner);
    if (rule == Answer::unknown) return false;
    if (rule == Answer::yes) {
      out.kind = LineKind::rule;
      out.content = inner.at;
      return true;
    }
    const Answer item = open_item(inner, spaces, continues && !in_list, out);
    if (item == Answer::unknown) return false;
    if (item == Answer::yes) {
      c = inner;
      continue;
    }
    c = inner;
    const Answer block = block_at(c, out);
    if (block == Answer::unknown) return false;
    if (block == Answer::yes) return true;
    if (c.here() == '|' && !continues) {
      out.kind = LineKind::table;
      out.content = c.at;
      return true;
    }
    break;
  }
  c.at += c.spaces();
  out.kind = LineKind::text;
  out.content = c.at;
  return true;
}

bool read_fence_line(std::string_view line, bool complete, const std::vector<Container>& open, const LineStart& fence,
                     FenceLine& out) {
  out = {};
  Cursor c{line, complete};
  size_t inside = fence.fence_indent;
  for (const Container& container : open) {
    if (!container.quote) {
      inside += container.indent;  // lines of a list may be moved in by less: what there is goes
      continue;
    }
    const size_t spaces = c.spaces();
    Cursor mark = c;
    mark.at += spaces;
    if (mark.unknown()) return false;
    if (mark.here() != '>') {
      out.left = true;
      return true;
    }
    c.at = mark.at + 1;
    if (c.unknown()) return false;
    if (c.here() == ' ') ++c.at;
  }
  const size_t spaces = c.spaces();
  Cursor text = c;
  text.at += spaces;
  if (text.unknown()) return false;
  const size_t length = text.same(fence.fence);
  if (length > 0) {
    Cursor after = text;
    after.at += length;
    after.at += after.spaces();
    if (after.unknown()) return false;
    out.ends = length >= fence.fence_length && after.ended();
  }
  out.content = c.at + std::min(spaces, inside);
  return true;
}

}  // namespace mang::cli
