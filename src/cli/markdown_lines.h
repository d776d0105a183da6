// What a line of Markdown begins: block quotes and list items around it, and the kind of block. After CommonMark 0.31,
// sections 3 to 5, read from the beginning of the line alone, so that text can be shown while it comes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mang::cli {

struct Container {
  bool quote = false;    // else a list item
  bool ordered = false;  // a list item with a number
  size_t indent = 0;     // of a list item: columns its lines are moved in
  std::string marker;    // of a list item, as it is shown: "•", "12."
  bool shown = false;    // the marker has been written
};

enum class LineKind { blank, text, heading, rule, fence, code, table };

struct LineStart {
  size_t matched = 0;             // of the open containers, those that this line goes on with
  std::vector<Container> opened;  // new ones
  LineKind kind = LineKind::text;
  size_t content = 0;  // byte at which the block's text begins
  int level = 0;       // of a heading
  char fence = 0;      // '`' or '~'
  size_t fence_length = 0, fence_indent = 0;
};

// False: more of the line is needed. `line`: its beginning, or all of it when `complete`. paragraph_open: the line
// before was text, and this one may go on with it.
bool read_line_start(std::string_view line, bool complete, const std::vector<Container>& open, bool paragraph_open,
                     LineStart& out);

// Inside a fence: whether the line ends it, and where its text begins. False: more of it is needed.
struct FenceLine {
  bool ends = false;
  bool left = false;   // the quote around the fence has ended: the line belongs to what comes after
  size_t content = 0;  // byte
};
bool read_fence_line(std::string_view line, bool complete, const std::vector<Container>& open, const LineStart& fence,
                     FenceLine& out);

}  // namespace mang::cli
