// Markdown on a terminal while it comes. Words appear as soon as they are there; only the last of them, where a mark
// such as ** is open, and a table that grows are written again in place. What is shown at the end depends on the text
// alone, not on the pieces it came in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/markdown_inline.h"
#include "cli/markdown_lines.h"
#include "cli/styled_text.h"

namespace mang::cli {

struct MarkdownOptions {
  size_t width = 80;   // columns
  size_t height = 24;  // rows: what is written again must still be on the screen
  bool colour = true;
  Style style = 0;  // of all text: kDim for reasoning
};

class MarkdownStream {
 public:
  explicit MarkdownStream(const MarkdownOptions& options);

  // The next bytes of the text, cut anywhere; returns what is to be written to the terminal. Control characters become
  // pictures.
  std::string feed(std::string_view bytes);
  // The text has ended: what was held back, and the end of the line.
  std::string finish();

 private:
  void take(char32_t value, std::string_view character);
  void read_start(bool complete);
  void begin(const LineStart& start, bool complete);
  void begin_block(const LineStart& start);
  void write_bare_markers(size_t keep);
  [[nodiscard]] std::string prefix(bool with_markers);
  [[nodiscard]] std::string quote_bars() const;

  // A paragraph or a heading.
  void open_text(Style style);
  void take_text(char32_t value, std::string_view character);
  void end_text_line();
  void commit_words();
  void commit_pending();
  void end_text();
  [[nodiscard]] std::vector<Run> pending_runs(bool& closed) const;

  void add_table_line();
  void end_table();
  void table_to_text();
  [[nodiscard]] std::string table_text();

  void begin_fence(const LineStart& start);
  void read_fence_start(bool complete);
  void write_code(std::string_view text);

  [[nodiscard]] std::string live();
  std::string draw();

  // What the next character belongs to: a line of which nothing is known, text, code up to the end of the line, a line
  // of a table, the beginning of a line in a fence.
  enum class Mode { start, text, code, table, fence };

  MarkdownOptions options_;
  size_t most_live_;       // columns of text that may be written again
  size_t most_live_rows_;  // of a table
  Mode mode_ = Mode::start;
  std::string partial_;  // the beginning of a character
  std::string line_;     // what there is of a line in the modes start, table and fence

  std::vector<Container> containers_;
  bool written_ = false;  // a block is above
  bool blank_ = false;    // a blank line has come since

  bool text_open_ = false;  // a paragraph that the next line may go on with, or a heading
  bool heading_ = false;
  bool hard_break_ = false;  // the last line of the paragraph ended in one
  Style text_style_ = 0;
  Layout layout_;
  std::string pending_;  // text that is not final
  size_t pending_columns_ = 0;
  char32_t last_ = 0;  // the last character of pending_

  bool in_fence_ = false;
  LineStart fence_;

  std::string table_;  // its lines; of one that is too long only the head and what is not final
  std::string first_prefix_, rest_prefix_;
  bool table_head_final_ = false;  // the head has been written for good
  std::vector<size_t> table_widths_;

  std::string frame_;  // final, not yet written
  std::string shown_;  // on the screen, not final
  size_t shown_column_ = 0;
};

}  // namespace mang::cli
