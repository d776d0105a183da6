#include "cli/markdown.h"

#include <algorithm>
#include <utility>

#include "cli/io.h"
#include "text/display_width.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

constexpr size_t kLongestStart = 1000;  // bytes after which a line of unknown kind is text
constexpr size_t kLeastText = 16;       // columns that block quotes and lists leave
constexpr size_t kTab = 4;

size_t text_width(const MarkdownOptions& options) { return std::max<size_t>(options.width, kLeastText + 1) - 1; }

// The line without the #s that may close a heading.
std::string without_closing(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  const size_t last = text.find_last_not_of('#');
  if (last == std::string::npos) return "";
  if (text[last] == ' ') text.resize(last);
  return text;
}

}  // namespace

// The last column stays free: what stands there makes terminals differ. Lines are filled to half at least, so text of
// half the screen's columns fits on the screen.
MarkdownStream::MarkdownStream(const MarkdownOptions& options)
    : options_(options),
      most_live_(std::min<size_t>(400, text_width(options) * std::max<size_t>(options.height, 6) / 4)),
      most_live_rows_(std::max<size_t>(options.height, 8) - 4),
      layout_(text_width(options), "", options.colour) {}

std::string MarkdownStream::feed(std::string_view bytes) {
  std::string text = std::exchange(partial_, "");
  text += bytes;
  const size_t cut = text.size() - incomplete_suffix(text);
  partial_ = text.substr(cut);
  const char* const end = text.data() + cut;
  for (const char* p = text.data(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    take(c.value, {p, c.length});
    p += c.length;
  }
  return draw();
}

std::string MarkdownStream::finish() {
  if (!std::exchange(partial_, "").empty()) take(0xFFFD, "\xEF\xBF\xBD");
  if (mode_ == Mode::start && !line_.empty()) read_start(true);
  if (mode_ == Mode::fence && !line_.empty()) read_fence_start(true);
  if (mode_ == Mode::table) add_table_line();
  if (mode_ == Mode::code) frame_ += '\n';
  if (mode_ == Mode::text) end_text_line();
  if (!table_.empty()) end_table();
  if (text_open_) end_text();
  write_bare_markers(0);
  mode_ = Mode::start;
  in_fence_ = false;
  return draw();
}

void MarkdownStream::take(char32_t value, std::string_view character) {
  if (value == '\r') return;
  if (value >= kInvalidByte) return take(0xFFFD, "\xEF\xBF\xBD");
  std::string picture;
  if (value != '\n' && value != '\t' && (value < 0x20 || (value >= 0x7F && value < 0xA0))) {
    picture = without_terminal_controls(character);
    character = picture;
    value = 0xFFFD;
  }
  const bool newline = value == '\n';
  switch (mode_) {
    case Mode::start:
      if (value == '\t')
        line_.append(kTab - line_.size() % kTab, ' ');
      else if (!newline)
        line_ += character;
      return read_start(newline);
    case Mode::fence:
      if (!newline) line_ += character;
      return read_fence_start(newline);
    case Mode::table:
      if (newline) return add_table_line();
      line_ += value == '\t' ? " " : character;
      return;
    case Mode::code:
      if (!newline) return write_code(character);
      frame_ += '\n';
      mode_ = in_fence_ ? Mode::fence : Mode::start;
      return;
    case Mode::text:
      if (newline) return end_text_line();
      return value == '\t' ? take_text(' ', " ") : take_text(value, character);
  }
}

void MarkdownStream::read_start(bool complete) {
  LineStart start;
  const bool continues = text_open_ && !heading_;
  if (!read_line_start(line_, complete, containers_, continues, start)) {
    if (line_.size() < kLongestStart) return;
    start = {};
    start.matched = continues ? containers_.size() : 0;
  }
  begin(start, complete);
}

// Blank lines between blocks are kept as one; lines of quotes and lists that have ended are not gone on with.
void MarkdownStream::begin(const LineStart& start, bool complete) {
  const std::string text = std::exchange(line_, "").substr(start.content);
  const bool inside = start.matched == containers_.size() && start.opened.empty();
  if (!table_.empty()) {
    if (inside && start.kind == LineKind::table) {
      line_ = text;
      mode_ = Mode::table;
      if (complete) add_table_line();
      return;
    }
    end_table();
  }
  if (start.kind == LineKind::text && text_open_ && start.opened.empty()) {
    if (std::exchange(hard_break_, false)) {
      commit_pending();
      layout_.new_line();
    } else if (!pending_.ends_with(' ')) {
      take_text(' ', " ");
    }
    mode_ = Mode::text;
  } else if (start.kind == LineKind::blank && start.opened.empty()) {
    if (text_open_) end_text();
    if (start.matched < containers_.size()) {
      write_bare_markers(start.matched);
      containers_.resize(start.matched);
    }
    blank_ = written_;
    return;
  } else {
    begin_block(start);
    switch (start.kind) {
      case LineKind::blank:  // an item without text
        return;
      case LineKind::text:
        open_text(0);
        break;
      case LineKind::heading:
        open_text(start.level == 1 ? kBold | kUnderline : kBold);
        heading_ = true;
        break;
      case LineKind::rule: {
        const std::string before = prefix(true);
        frame_ += before + style_sequence(kDim, options_.colour);
        const size_t width = text_width(options_);
        for (size_t i = visible_columns(before); i < width; ++i) frame_ += "─";
        frame_ += style_sequence(0, options_.colour) + "\n";
        return;
      }
      case LineKind::fence:
        begin_fence(start);
        frame_ += style_sequence(kDim, options_.colour) + text + style_sequence(0, options_.colour) + "\n";
        return;
      case LineKind::code:
        frame_ += prefix(true);
        mode_ = Mode::code;
        write_code(text);
        if (complete) take('\n', "\n");
        return;
      case LineKind::table:
        first_prefix_ = prefix(true);
        rest_prefix_ = prefix(false);
        line_ = text;
        mode_ = Mode::table;
        if (complete) add_table_line();
        return;
    }
  }
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    take_text(c.value, {p, c.length});
    p += c.length;
  }
  if (complete) end_text_line();
}

void MarkdownStream::begin_block(const LineStart& start) {
  if (text_open_) end_text();
  write_bare_markers(start.matched);
  containers_.resize(start.matched);
  if (blank_) {
    std::string line = prefix(false);
    while (line.ends_with(' ')) line.pop_back();
    frame_ += line + "\n";
  }
  blank_ = false;
  written_ = true;
  containers_.insert(containers_.end(), start.opened.begin(), start.opened.end());
}

// Items that ended before anything stood in them.
void MarkdownStream::write_bare_markers(size_t keep) {
  for (size_t i = keep; i < containers_.size(); ++i) {
    if (containers_[i].quote || containers_[i].shown) continue;
    frame_ += prefix(true) + "\n";
    return;  // the line holds all of them
  }
}

std::string MarkdownStream::prefix(bool with_markers) {
  std::string out;
  size_t columns = 0;
  for (Container& each : containers_) {
    const size_t width = each.quote ? 2 : display_width(each.marker) + 1;
    const bool fits = columns + width + kLeastText <= text_width(options_);
    if (each.quote) {
      if (fits) out += style_sequence(kDim, options_.colour) + "│" + style_sequence(0, options_.colour) + " ";
    } else if (with_markers && !each.shown) {
      out += each.marker + " ";
      each.shown = true;
    } else if (fits) {
      out.append(width, ' ');
    }
    columns += width;
  }
  return out;
}

// Code stands behind these alone: moved in, it could not be copied as it is.
std::string MarkdownStream::quote_bars() const {
  std::string out;
  for (const Container& each : containers_) {
    if (each.quote) out += style_sequence(kDim, options_.colour) + "│" + style_sequence(0, options_.colour) + " ";
  }
  return out;
}

void MarkdownStream::open_text(Style style) {
  const std::string before = prefix(true);
  frame_ += before;
  layout_ = Layout(text_width(options_), prefix(false), options_.colour);
  layout_.begin(visible_columns(before));
  text_open_ = true;
  heading_ = hard_break_ = false;
  text_style_ = style;
  pending_.clear();
  pending_columns_ = 0;
  last_ = 0;
  mode_ = Mode::text;
}

std::vector<Run> MarkdownStream::pending_runs(bool& closed) const {
  std::vector<Run> runs;
  if (pending_.starts_with(' ')) runs.push_back({" ", 0});
  Inline line = parse_inline(pending_, options_.colour, !pending_.ends_with(' '));
  closed = line.closed;
  runs.insert(runs.end(), std::make_move_iterator(line.runs.begin()), std::make_move_iterator(line.runs.end()));
  for (Run& run : runs) run.style |= text_style_ | options_.style;
  return runs;
}

void MarkdownStream::take_text(char32_t value, std::string_view character) {
  if (value != ' ' && !pending_.empty() && (last_ == ' ' || may_break(last_, value))) commit_words();
  pending_ += character;
  pending_columns_ += display_width(value);
  last_ = value;
  if (pending_columns_ > most_live_) commit_pending();
}

// What is final of the pending text: all of it but spaces at its end, unless a mark is open.
void MarkdownStream::commit_words() {
  bool closed = false;
  const std::vector<Run> runs = pending_runs(closed);
  if (!closed) return;
  const bool space = pending_.ends_with(' ');
  layout_.put(runs);
  frame_ += layout_.take();
  pending_ = space ? " " : "";
  pending_columns_ = pending_.size();
}

void MarkdownStream::commit_pending() {
  bool closed = false;
  const bool space = pending_.ends_with(' ');
  layout_.put(pending_runs(closed));
  frame_ += layout_.take();
  pending_ = space ? " " : "";
  pending_columns_ = pending_.size();
}

void MarkdownStream::end_text_line() {
  mode_ = Mode::start;
  if (heading_) {
    pending_ = without_closing(pending_);
    return end_text();
  }
  if (pending_.ends_with("  ")) {
    hard_break_ = true;
  } else if (pending_.ends_with('\\') && !pending_.ends_with("\\\\")) {
    pending_.pop_back();
    hard_break_ = true;
  }
}

void MarkdownStream::end_text() {
  while (pending_.ends_with(' ')) pending_.pop_back();
  commit_pending();
  frame_ += '\n';
  text_open_ = heading_ = hard_break_ = false;
}

void MarkdownStream::add_table_line() {
  mode_ = Mode::start;
  const bool second = std::count(table_.begin(), table_.end(), '\n') == 1;
  table_ += std::exchange(line_, "") + "\n";
  if (second && !table_head_final_) {
    Table table;
    if (!parse_table(table_, options_.colour, table)) return table_to_text();
  }
  // A table that would leave the screen is final so far; its columns keep their widths.
  const std::string lines = table_text();
  if (static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n')) <= most_live_rows_) return;
  frame_ += lines;
  table_head_final_ = true;
  table_.resize(table_.find('\n', table_.find('\n') + 1) + 1);
}

// The lines of the table as they stand; the first line alone, while it may be none.
std::string MarkdownStream::table_text() {
  if (std::count(table_.begin(), table_.end(), '\n') < 2) {
    const std::string line = table_.empty() ? line_ : table_.substr(0, table_.find('\n'));
    const size_t width = text_width(options_) - std::min(text_width(options_) / 2, visible_columns(first_prefix_));
    std::vector<Run> runs{{line, static_cast<Style>(options_.style | kDim)}};
    Layout layout(width, "", options_.colour);
    layout.put(runs);
    std::string shown = layout.take();
    return first_prefix_ + shown.substr(0, shown.find('\n'));
  }
  Table table;
  if (!parse_table(table_, options_.colour, table)) return "";
  for (Table::Row& row : table.rows) {
    for (std::vector<Run>& cell : row) {
      for (Run& run : cell) run.style |= options_.style;
    }
  }
  const size_t width = text_width(options_) - std::min(text_width(options_) / 2, visible_columns(first_prefix_));
  const bool chosen = table_head_final_;
  if (!chosen) table_widths_.clear();
  std::vector<std::string> lines = table_lines(table, width, options_.colour, table_widths_);
  size_t skip = 0;
  if (table_widths_.empty()) {  // too many columns: the lines as they were written
    for (size_t at = 0; at < table_.size(); at = table_.find('\n', at) + 1) {
      lines.push_back(table_.substr(at, table_.find('\n', at) - at));
    }
    skip = chosen ? 2 : 0;
  } else if (chosen) {
    Table head_only = table;
    head_only.rows.resize(1);
    skip = table_lines(head_only, width, options_.colour, table_widths_).size();
  }
  std::string out;
  for (size_t i = skip; i < lines.size(); ++i) {
    out += (i == 0 ? first_prefix_ : rest_prefix_) + lines[i] + "\n";
  }
  return out;
}

void MarkdownStream::end_table() {
  if (std::count(table_.begin(), table_.end(), '\n') < 2) return table_to_text();
  frame_ += table_text();
  table_.clear();
  table_head_final_ = false;
}

// It was no table: its lines are a paragraph.
void MarkdownStream::table_to_text() {
  const std::string lines = std::exchange(table_, "");
  frame_ += first_prefix_;
  layout_ = Layout(text_width(options_), rest_prefix_, options_.colour);
  layout_.begin(visible_columns(first_prefix_));
  text_open_ = true;
  heading_ = hard_break_ = false;
  text_style_ = 0;
  pending_.clear();
  pending_columns_ = 0;
  last_ = 0;
  const char* const end = lines.data() + lines.size() - 1;
  for (const char* p = lines.data(); p < end;) {
    const Decoded c = decode_utf8(p, end);
    if (c.value == '\n')
      take_text(' ', " ");
    else
      take_text(c.value, {p, c.length});
    p += c.length;
  }
  end_text_line();
}

void MarkdownStream::begin_fence(const LineStart& start) {
  const bool marker = std::any_of(containers_.begin(), containers_.end(),
                                  [](const Container& each) { return !each.quote && !each.shown; });
  frame_ += marker ? prefix(true) : quote_bars();
  fence_ = start;
  in_fence_ = true;
  mode_ = Mode::fence;
}

void MarkdownStream::read_fence_start(bool complete) {
  FenceLine line;
  if (!read_fence_line(line_, complete, containers_, fence_, line)) return;
  if (line.left) {
    in_fence_ = false;
    mode_ = Mode::start;
    return read_start(complete);
  }
  const std::string text = std::exchange(line_, "").substr(line.content);
  frame_ += quote_bars();
  if (line.ends) {
    frame_ += style_sequence(kDim, options_.colour) + text + style_sequence(0, options_.colour) + "\n";
    in_fence_ = false;
    mode_ = Mode::start;
    return;
  }
  mode_ = Mode::code;
  write_code(text);
  if (complete) take('\n', "\n");
}

// Code is never broken into lines nor moved in: it can be copied as it was written.
void MarkdownStream::write_code(std::string_view text) {
  if (text.empty()) return;
  if (options_.style != 0) frame_ += style_sequence(options_.style, options_.colour);
  frame_ += text;
  if (options_.style != 0) frame_ += style_sequence(0, options_.colour);
}

std::string MarkdownStream::live() {
  if (text_open_) {
    Layout layout = layout_;
    bool closed = false;
    layout.put(pending_runs(closed));
    return layout.take();
  }
  return table_.empty() && mode_ != Mode::table ? "" : table_text();
}

std::string MarkdownStream::draw() {
  const size_t column = text_open_ ? layout_.column() : 0;
  std::string now = live();
  const std::string next = std::exchange(frame_, "") + now;
  std::string out;
  if (next.starts_with(shown_)) {
    out = next.substr(shown_.size());
  } else {
    // From the beginning of the first line that changes.
    const size_t same = static_cast<size_t>(
        std::mismatch(shown_.begin(), shown_.end(), next.begin(), next.end()).first - shown_.begin());
    const size_t line = same == 0 ? std::string::npos : shown_.rfind('\n', same - 1);
    const size_t from = line == std::string::npos ? 0 : line + 1;
    const auto rows = std::count(shown_.begin() + static_cast<std::ptrdiff_t>(from), shown_.end(), '\n');
    if (rows > 0) out += "\x1b[" + std::to_string(rows) + "A";
    out += "\r";
    if (from == 0 && shown_column_ > 0) out += "\x1b[" + std::to_string(shown_column_) + "C";
    out += "\x1b[J" + next.substr(from);
  }
  shown_ = std::move(now);
  shown_column_ = column;
  return out;
}

}  // namespace mang::cli
