#include "cli/markdown_inline.h"

#include <md4c.h>

#include <algorithm>
#include <charconv>

#include "cli/io.h"
#include "text/display_width.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

constexpr unsigned kFlags = MD_FLAG_STRIKETHROUGH | MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS;

// "&amp;", "&#8594;": the character; what is not known stays as it is written.
std::string decoded(std::string_view entity) {
  constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
      {"&amp;", "&"},  {"&lt;", "<"},     {"&gt;", ">"},    {"&quot;", "\""}, {"&apos;", "'"},
      {"&nbsp;", " "}, {"&hellip;", "…"}, {"&ndash;", "–"}, {"&mdash;", "—"}, {"&rarr;", "→"},
      {"&larr;", "←"}, {"&times;", "×"},  {"&deg;", "°"},   {"&copy;", "©"},  {"&euro;", "€"}};
  for (const auto& [name, character] : kKnown) {
    if (entity == name) return std::string(character);
  }
  if (!entity.starts_with("&#")) return std::string(entity);
  const bool hex = entity.size() > 2 && (entity[2] == 'x' || entity[2] == 'X');
  const std::string_view digits = entity.substr(hex ? 3 : 2);
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (value < 0x20 || value >= kInvalidByte || (value >= 0xD800 && value < 0xE000)) return std::string(entity);
  return without_terminal_controls(to_utf8(value));
}

// Gathers what md4c reports. Text of the line that is not markup also goes into `plain`, as context for what could
// still be markup; code is a letter there.
struct Reader {
  bool colour = true;
  size_t skip = 0;  // bytes of text that are not the line's
  std::vector<Run> runs;
  std::string plain;
  Table* table = nullptr;
  bool table_seen = false;

  struct Span {
    MD_SPANTYPE type;
    Style outer;
    std::string link;
  };
  Style style = 0;
  std::vector<Span> open;

  void add(std::string_view text) {
    const size_t n = std::min(skip, text.size());
    skip -= n;
    text.remove_prefix(n);
    if (text.empty()) return;
    if (runs.empty() || runs.back().style != style) runs.push_back({"", style});
    runs.back().text += text;
  }

  static int enter_block(MD_BLOCKTYPE type, void* detail, void* user) {
    Reader& reader = *static_cast<Reader*>(user);
    if (!reader.table) return 0;
    if (type == MD_BLOCK_TABLE) reader.table_seen = true;
    if (type == MD_BLOCK_TR) reader.table->rows.emplace_back();
    if (type == MD_BLOCK_TH || type == MD_BLOCK_TD) {
      reader.runs.clear();
      reader.style = 0;
      if (type == MD_BLOCK_TH) {
        const MD_ALIGN align = static_cast<MD_BLOCK_TD_DETAIL*>(detail)->align;
        reader.table->columns.push_back(align == MD_ALIGN_RIGHT    ? Align::right
                                        : align == MD_ALIGN_CENTER ? Align::centre
                                                                   : Align::left);
      }
    }
    return 0;
  }
  static int leave_block(MD_BLOCKTYPE type, void*, void* user) {
    Reader& reader = *static_cast<Reader*>(user);
    if (reader.table && (type == MD_BLOCK_TH || type == MD_BLOCK_TD)) {
      reader.table->rows.back().push_back(std::move(reader.runs));
      reader.runs.clear();
    }
    return 0;
  }

  static int enter_span(MD_SPANTYPE type, void* detail, void* user) {
    Reader& reader = *static_cast<Reader*>(user);
    Span span{type, reader.style, ""};
    if (type == MD_SPAN_EM) reader.style |= kItalic;
    if (type == MD_SPAN_STRONG) reader.style |= kBold;
    if (type == MD_SPAN_DEL) reader.style |= kStrike;
    if (type == MD_SPAN_CODE) {
      reader.style |= kCode;
      if (!reader.colour) reader.add("`");
    }
    if (type == MD_SPAN_A || type == MD_SPAN_IMG) {
      reader.style |= kUnderline;
      const MD_ATTRIBUTE& target = type == MD_SPAN_A ? static_cast<MD_SPAN_A_DETAIL*>(detail)->href
                                                     : static_cast<MD_SPAN_IMG_DETAIL*>(detail)->src;
      span.link.assign(target.text, target.size);
    }
    reader.open.push_back(std::move(span));
    return 0;
  }
  // md4c leaves spans it has not entered, and others than the innermost, where a link and a piece of code cross.
  static int leave_span(MD_SPANTYPE type, void*, void* user) {
    Reader& reader = *static_cast<Reader*>(user);
    const auto same = [type](const Span& span) { return span.type == type; };
    const auto last = std::find_if(reader.open.rbegin(), reader.open.rend(), same);
    if (last == reader.open.rend()) return 0;
    if (type == MD_SPAN_CODE && !reader.colour) reader.add("`");
    const std::string shown = reader.runs.empty() ? "" : reader.runs.back().text;
    const std::string target = last->link;
    reader.style = last->outer;
    reader.open.erase(last.base() - 1, reader.open.end());
    if (!target.empty() && !shown.ends_with(target)) reader.runs.push_back({" (" + target + ")", kDim});
    return 0;
  }

  static int text(MD_TEXTTYPE type, const MD_CHAR* bytes, MD_SIZE size, void* user) {
    Reader& reader = *static_cast<Reader*>(user);
    const std::string_view text(bytes, size);
    if (type == MD_TEXT_CODE) {
      reader.plain += 'x';
      reader.add(text);
    } else if (type == MD_TEXT_ENTITY) {
      reader.plain += 'x';
      reader.add(decoded(text));
    } else if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) {
      reader.plain += ' ';
      reader.add(" ");
    } else {
      reader.plain += text;
      reader.add(text);
    }
    return 0;
  }

  int read(const std::string& document, unsigned flags) {
    MD_PARSER parser = {};
    parser.flags = flags;
    parser.enter_block = &enter_block;
    parser.leave_block = &leave_block;
    parser.enter_span = &enter_span;
    parser.leave_span = &leave_span;
    parser.text = &text;
    return md_parse(document.data(), static_cast<MD_SIZE>(document.size()), &parser, this);
  }
};

bool is_letter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<uint8_t>(c) >= 0x80;
}

// Whether a mark that md4c left as text could yet begin something. Spaces stand before and after the text.
bool may_open(const std::string& plain, size_t at) {
  const char mark = plain[at];
  size_t first = at, last = at;
  while (first > 0 && plain[first - 1] == mark) --first;
  while (last + 1 < plain.size() && plain[last + 1] == mark) ++last;
  const char before = first > 0 ? plain[first - 1] : ' ';
  const char after = last + 1 < plain.size() ? plain[last + 1] : ' ';
  switch (mark) {
    case '`':
      return true;
    case '*':
      return after != ' ';
    case '_':
      return after != ' ' && !(is_letter(before) && is_letter(after));
    case '~':
      return after != ' ' && last > first;  // ~5 is no beginning, ~~no~~ is
    case '[': {
      const size_t end = plain.find(']', at);
      if (end == std::string::npos) return true;
      return end + 1 < plain.size() && (plain[end + 1] == '(' || plain[end + 1] == '[');
    }
    default:
      return false;
  }
}

// \( \) \[ \] stand around formulas far more often than they are meant as plain brackets: they stay.
std::string with_formula_marks(std::string_view text) {
  std::string out;
  bool code = false;  // between back quotes, where a backslash is one
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\n') code = false;
    if (text[i] == '`' && (i == 0 || text[i - 1] != '`')) code = !code;
    if (!code && text[i] == '\\' && next != '\0') {
      out += '\\';
      if (std::string_view("()[]").find(next) != std::string_view::npos) out += '\\';
      out += next;
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The places of the | that divide a line of a table into cells.
std::vector<size_t> dividers(std::string_view line) {
  const size_t first = line.find_first_not_of(' '), last = line.find_last_not_of(' ');
  std::vector<size_t> out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '|' && i != first && i != last) {
      out.push_back(i);
    }
  }
  return out;
}

// The lines of a table as md4c wants them: three dashes at least in the second, and no cells beyond its columns, which
// it would leave out: they are text of the last cell. Empty: the head has not the columns of the second line.
std::string regular_table(std::string_view lines) {
  std::string out;
  size_t columns = 0;
  for (size_t number = 0; !lines.empty(); ++number) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    const std::vector<size_t> cells = dividers(line);
    if (number == 0) columns = cells.size();
    if (number == 1 && cells.size() != columns) return "";
    for (size_t i = 0; i < line.size(); ++i) {
      const bool surplus =
          cells.size() > columns && i >= cells[columns] && std::find(cells.begin(), cells.end(), i) != cells.end();
      if (surplus) out += '\\';
      out += line[i];
      if (number == 1 && line[i] == '-' && (i == 0 || line[i - 1] != '-')) out += "--";
    }
    out += '\n';
  }
  return out;
}

// What is shown of runs in one line without end.
std::string one_line(const std::vector<Run>& runs) {
  std::string out;
  for (const Run& run : runs) out += run.text;
  return out;
}

std::vector<std::string> cell_lines(const std::vector<Run>& runs, size_t width, bool colour) {
  std::vector<std::string> lines;
  Layout layout(width, "", colour);
  layout.begin(0);
  layout.put(runs);
  const std::string all = layout.take();
  for (size_t start = 0; start <= all.size();) {
    const size_t end = std::min(all.find('\n', start), all.size());
    lines.push_back(all.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// Wide columns give way until all fit; empty: they cannot.
std::vector<size_t> choose_widths(const Table& table, size_t width) {
  constexpr size_t kBetween = 3, kLeast = 4;
  const size_t count = table.columns.size();
  if (count == 0 || count * (kLeast + kBetween) > width + kBetween) return {};
  const size_t room = width - kBetween * (count - 1);
  std::vector<size_t> widths(count, 1);
  for (const Table::Row& row : table.rows) {
    for (size_t i = 0; i < std::min(count, row.size()); ++i) {
      widths[i] = std::max(widths[i], display_width(one_line(row[i])));
    }
  }
  // The widest are cut to the level at which everything fits.
  size_t level = *std::max_element(widths.begin(), widths.end());
  auto total = [&] {
    size_t sum = 0;
    for (size_t w : widths) sum += std::min(w, level);
    return sum;
  };
  level = std::min(level, room);
  while (level > kLeast && total() > room) --level;
  for (size_t& w : widths) w = std::min(w, level);
  return widths;
}

std::string padded(const std::string& text, size_t width, Align align) {
  const size_t columns = visible_columns(text);
  const size_t free = width > columns ? width - columns : 0;
  const size_t left = align == Align::left ? 0 : align == Align::right ? free : free / 2;
  return std::string(left, ' ') + text + std::string(free - left, ' ');
}

std::vector<std::string> row_lines(const Table& table, const Table::Row& row, bool head, bool colour,
                                   const std::vector<size_t>& widths) {
  std::vector<std::vector<std::string>> cells;
  size_t height = 1;
  for (size_t i = 0; i < widths.size(); ++i) {
    std::vector<Run> runs = i < row.size() ? row[i] : std::vector<Run>();
    for (Run& run : runs) run.style |= head ? kBold : 0;
    cells.push_back(cell_lines(runs, widths[i], colour));
    height = std::max(height, cells.back().size());
  }
  const std::string between = " " + style_sequence(kDim, colour) + "│" + style_sequence(0, colour) + " ";
  std::vector<std::string> lines;
  for (size_t y = 0; y < height; ++y) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string& text = y < cells[i].size() ? cells[i][y] : "";
      line += (i > 0 ? between : "") + padded(text, widths[i], table.columns[i]);
    }
    while (line.ends_with(' ')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Inline parse_inline(std::string_view line, bool colour, bool word_follows) {
  Inline out;
  while (line.starts_with(' ')) line.remove_prefix(1);
  while (line.ends_with(' ')) line.remove_suffix(1);
  if (line.find_first_of("*_`~[]\\<&!") == std::string_view::npos) {
    if (!line.empty()) out.runs.push_back({std::string(line), 0});
    return out;
  }
  // A word in front keeps the line from reading as a heading, a list or a rule.
  constexpr std::string_view kWord = "a ";
  Reader reader;
  reader.colour = colour;
  reader.skip = kWord.size();
  if (reader.read(std::string(kWord) + with_formula_marks(line), kFlags) != 0) {
    out.runs.push_back({std::string(line), 0});
    return out;
  }
  out.runs = std::move(reader.runs);
  const size_t end = reader.plain.size();
  if (word_follows) reader.plain += 'x';
  for (size_t i = kWord.size(); i < end && out.closed; ++i) out.closed = !may_open(reader.plain, i);
  return out;
}

bool parse_table(std::string_view lines, bool colour, Table& out) {
  out = {};
  Reader reader;
  reader.colour = colour;
  reader.table = &out;
  const std::string table = regular_table(lines);
  return !table.empty() && reader.read(with_formula_marks(table), kFlags | MD_FLAG_TABLES) == 0 && reader.table_seen &&
         !out.columns.empty();
}

std::vector<std::string> table_lines(const Table& table, size_t width, bool colour, std::vector<size_t>& widths) {
  if (widths.empty()) widths = choose_widths(table, width);
  std::vector<std::string> lines;
  if (widths.empty()) return lines;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    for (std::string& line : row_lines(table, table.rows[i], i == 0, colour, widths)) lines.push_back(std::move(line));
    if (i > 0) continue;
    std::string rule = style_sequence(kDim, colour);
    for (size_t column = 0; column < widths.size(); ++column) {
      if (column > 0) rule += "─┼─";
      for (size_t n = 0; n < widths[column]; ++n) rule += "─";
    }
    lines.push_back(rule + style_sequence(0, colour));
  }
  return lines;
}

}  // namespace mang::cli
