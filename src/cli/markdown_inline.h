// Markdown within a line (emphasis, code, links) and tables, read by md4c.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/styled_text.h"

namespace mang::cli {

struct Inline {
  std::vector<Run> runs;
  // Nothing that may come after it changes what these runs are: no emphasis, code or link is open.
  bool closed = true;
};

// One line of a paragraph, a heading or a cell, wherever in it the text begins. Spaces at its ends are dropped.
// colour: code is told by its colour; otherwise it keeps its back quotes. word_follows: the next character is no space.
Inline parse_inline(std::string_view line, bool colour, bool word_follows = false);

enum class Align { left, centre, right };

struct Table {
  using Row = std::vector<std::vector<Run>>;  // a cell is its runs
  std::vector<Row> rows;                      // the first is the head
  std::vector<Align> columns;
};

// False: the lines are no table.
bool parse_table(std::string_view lines, bool colour, Table& out);

// The lines of a table that is at most `width` columns wide, cells wrapped; empty: it has too many columns for that.
// widths: of the columns, chosen when empty.
std::vector<std::string> table_lines(const Table& table, size_t width, bool colour, std::vector<size_t>& widths);

}  // namespace mang::cli
