// Markdown on a terminal: what the screen shows at the end, whatever the pieces the text came in.
#include "cli/markdown.h"

#include <doctest/doctest.h>

#include <random>

#include "text/display_width.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

// A terminal that knows what MarkdownStream writes: text, newlines, and moving back to write again. Characters are
// code points; one that takes two columns is followed by an empty cell.
class Screen {
 public:
  Screen(size_t width, size_t height) : width_(width), height_(height) { lines_.emplace_back(); }

  void write(std::string_view bytes) {
    const char* const end = bytes.data() + bytes.size();
    for (const char* p = bytes.data(); p < end;) {
      const Decoded c = decode_utf8(p, end);
      p += c.length;
      if (c.value == '\n') {
        if (++y_ == lines_.size()) lines_.emplace_back();
        x_ = 0;
        high_ = std::max(high_, y_);
      } else if (c.value == '\r') {
        x_ = 0;
      } else if (c.value == 0x1B) {
        REQUIRE(*p++ == '[');
        size_t number = 0;
        while (*p >= '0' && *p <= ';') number = *p == ';' ? 0 : number * 10 + static_cast<size_t>(*p - '0'), ++p;
        control(*p++, number);
      } else {
        put(c.value);
      }
    }
  }

  // The lines without what is blank at their ends.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& line : lines_) {
      std::string row;
      for (const std::string& cell : line) row += cell;
      while (row.ends_with(' ')) row.pop_back();
      out += row + "\n";
    }
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
  }
  [[nodiscard]] size_t widest() const {
    size_t most = 0;
    for (const auto& line : lines_) most = std::max(most, line.size());
    return most;
  }

 private:
  void control(char what, size_t number) {
    if (what == 'A') {
      REQUIRE(number <= y_);
      REQUIRE(high_ - (y_ - number) < height_);  // what has left the screen cannot be written again
      y_ -= number;
    } else if (what == 'C') {
      x_ += number;
      REQUIRE(x_ < width_);
    } else if (what == 'J') {
      lines_[y_].resize(std::min(x_, lines_[y_].size()));
      lines_.resize(y_ + 1);
      high_ = y_;
    } else {
      REQUIRE(what == 'm');
    }
  }
  void put(char32_t value) {
    auto& line = lines_[y_];
    const size_t columns = value == '\t' ? 1 : display_width(value);
    if (columns == 0 && x_ > 0) {
      line[x_ - 1] += to_utf8(value);
      return;
    }
    if (line.size() < x_ + columns) line.resize(x_ + columns, " ");
    line[x_] = to_utf8(value);
    if (columns == 2) line[x_ + 1] = "";
    x_ += columns;
  }

  size_t width_, height_, x_ = 0, y_ = 0, high_ = 0;
  std::vector<std::vector<std::string>> lines_;
};

std::string shown(std::string_view text, size_t width = 40, size_t height = 24, bool colour = true) {
  Screen screen(width, height);
  MarkdownStream stream({.width = width, .height = height, .colour = colour});
  screen.write(stream.feed(text));
  screen.write(stream.finish());
  return screen.text();
}

TEST_CASE("blocks as they stand on the screen") {
  CHECK(shown("# Bamboo\nIt **grows** *fast*.") == "Bamboo\nIt grows fast.\n");
  CHECK(shown("## Two ##\n\ntext") == "Two\n\ntext\n");
  CHECK(shown("one two three four five six seven eight nine ten") ==
        "one two three four five six seven eight\nnine ten\n");
  CHECK(shown("a\nb  \nc\\\nd") == "a b\nc\nd\n");
  CHECK(shown("- one\n- two **bold** words that go on and on over the line\n  - inner\n    1. deep\n- last\n\nafter") ==
        "• one\n• two bold words that go on and on over\n  the line\n  • inner\n    1. deep\n• last\n\nafter\n");
  CHECK(shown("1. one\n   - a\n2. two\n\n10. ten") == "1. one\n   • a\n2. two\n\n10. ten\n");
  CHECK(shown("Steps:\n1. one\n2. two") == "Steps:\n1. one\n2. two\n");
  CHECK(shown("> quoted text that is longer than a line of this\n> and more\n\nout") ==
        "│ quoted text that is longer than a\n│ line of this and more\n\nout\n");
  CHECK(shown("a\n\n---\n\nb", 21) == "a\n\n────────────────────\n\nb\n");
  CHECK(shown("see [the docs](https://x.y/z) or <https://a.b>") == "see the docs (https://x.y/z) or\nhttps://a.b\n");
  CHECK(shown("`a  b` ~~gone~~ &amp; &#8594; &unknown; 2 * 3 * 4 snake_case_word ~5 [1]", 80) ==
        "a  b gone & → &unknown; 2 * 3 * 4 snake_case_word ~5 [1]\n");
  CHECK(shown("`a`", 40, 24, false) == "`a`\n");
  CHECK(shown("\\(x_1\\) and \\[y\\] and \\*plain\\*") == "\\(x_1\\) and \\[y\\] and *plain*\n");
  CHECK(shown("**open and never closed") == "**open and never closed\n");
  CHECK(shown("").empty() == false);  // a screen has a line
  CHECK(shown("- \n- b") == "•\n• b\n");
  CHECK(shown("-") == "•\n");
  CHECK(shown("**") == "**\n");
  CHECK(shown("#hashtag") == "#hashtag\n");
  CHECK(shown("it costs 5\n- no, 6") == "it costs 5\n• no, 6\n");
}

TEST_CASE("code is what was written") {
  CHECK(shown("Run:\n\n```sh\n  cd   /tmp\n\tmake **all** " + std::string(60, 'x') + "\n\n# not a heading\n```\ndone",
              40) ==
        "Run:\n\n```sh\n  cd   /tmp\n\tmake **all** " + std::string(60, 'x') + "\n\n# not a heading\n```\ndone\n");
  CHECK(shown("1. First:\n   ```\n   a\n     b\n   ```\n2. Second") == "1. First:\n```\na\n  b\n```\n2. Second\n");
  CHECK(shown("~~~\n```\n~~~") == "~~~\n```\n~~~\n");
  CHECK(shown("````\n```\n````\nx") == "````\n```\n````\nx\n");
  CHECK(shown("> ```\n> a\n> ```\n> b") == "│ ```\n│ a\n│ ```\n│ b\n");
  CHECK(shown("> ```\n> a\n\nb") == "│ ```\n│ a\n\nb\n");
  CHECK(shown("text\n\n    indented **code**\n\nmore") == "text\n\n    indented **code**\n\nmore\n");
  CHECK(shown("```\nnever closed") == "```\nnever closed\n");
  CHECK(shown("```not``` code") == "not code\n");
}

TEST_CASE("tables, also those that are no tables") {
  CHECK(shown("| a | number |\n|---|---:|\n| **b** | 1 |\n| c | 22 |\nafter") ==
        "a │ number\n──┼───────\nb │      1\nc │     22\nafter\n");
  CHECK(shown("|x| is the absolute value") == "|x| is the absolute value\n");
  CHECK(shown("| x\n| y\nz") == "| x | y z\n");
  CHECK(shown("|a|b|\n|-|-|\n|long words that do not fit|short ones that do not either|", 30) ==
        "a             │ b\n──────────────┼──────────────\nlong words    │ short ones\nthat do not   │ that do not\n"
        "fit           │ either\n");
  const std::string many = "|a|b|c|d|e|f|g|h|\n|-|-|-|-|-|-|-|-|\n|1|2|3|4|5|6|7|8|";
  CHECK(shown(many, 20) == many + "\n");
  CHECK(shown("|a|b|\n|-|\nc") == "|a|b| |-| c\n");
  CHECK(shown("|a|b|\n|-|-|\n|1|2|3|\n|4|") == "a │ b\n──┼────\n1 │ 2|3\n4 │\n");
  std::string tall = "|n|word|\n|-|-|\n";
  for (int i = 10; i < 60; ++i) {
    tall += "|" + std::to_string(i) + "|w" + std::to_string(i) + "|\n";
  }
  const std::string screen = shown(tall, 40, 12);  // more rows than the screen has
  CHECK(screen.starts_with("n  │ word\n───┼─────\n10 │ w10\n11 │ w11\n"));
  for (int i = 10; i < 60; ++i) CHECK(screen.find("w" + std::to_string(i) + "\n") != std::string::npos);
}

TEST_CASE("wide and combining characters") {
  CHECK(shown("tre gia\xCC\x80 ma\xCC\x86ng mo\xCC\xA3"
              "c tre gia\xCC\x80 ma\xCC\x86ng",
              16) ==
        "tre gia\xCC\x80 ma\xCC\x86ng mo\xCC\xA3"
        "c\ntre gia\xCC\x80 ma\xCC\x86ng\n");
  CHECK(shown("竹子为什么长得这么快？因为它的细胞。", 21) == "竹子为什么长得这么\n快？因为它的细胞。\n");
  CHECK(shown("中文**粗体**文字") == "中文粗体文字\n");
  CHECK(display_width("măng 竹 🎋 e\xCC\x81") == 12);
  CHECK(display_width(U'한') == 2);
  CHECK(display_width(U'\u200B') == 0);
  CHECK(is_wide(0x4E00));
  CHECK(is_wide(0xFF01));
  CHECK(!is_wide('a'));
  CHECK(!is_wide(0x1EA1));
}

TEST_CASE("control characters do nothing") {
  const std::string screen = shown(
      "a\x1b[2Jb \x9b"
      "c\x07 &#27;[1m `x\x1b]52;c;eA==\x07y`\n```\n\x1b[31m\n```");
  CHECK(screen.find("␛[2Jb") != std::string::npos);
  CHECK(screen.find("␛]52;c;") != std::string::npos);
  CHECK(screen.find("␛[31m") != std::string::npos);
}

// Random Markdown, numbered words in it, and bytes of characters that take two columns or none.
std::string random_markdown(std::mt19937& random, int& words) {
  const std::vector<std::string> pieces = {
      "\n",      "\n\n",  " ",     " ",    " ",    " ",    "**",    "*",     "_",      "`",    "```\n",     "\n```sh\n",
      "- ",      "\n- ",  "\n1. ", "> ",   "\n> ", "# ",   "\n## ", "|",     "\n|",    "|-|",  "\n|-|-|\n", "---",
      "\n---\n", "~~",    "[",     "](u)", "!",    "\\",   "  \n",  "\n   ", "    ",   "竹子", "à",         "e\xCC\x81",
      "🎋",       "&amp;", "<b>",   "\t",   "+ ",   "10. ", "\r\n",  "，",    "\n  - ", "~~~\n"};
  std::string text;
  const int count = 1 + static_cast<int>(random() % 60);
  for (int i = 0; i < count; ++i) {
    if (random() % 3 == 0) text += "w" + std::to_string(++words) + "q" + (random() % 2 == 0 ? " " : "");
    text += pieces[random() % pieces.size()];
  }
  return text;
}

TEST_CASE("the screen is the same whatever the pieces, and no word is lost, doubled or out of order") {
  std::mt19937 random(7);
  for (int round = 0; round < 1500; ++round) {
    int words = 0;
    const std::string text = random_markdown(random, words);
    const size_t width = 17 + random() % 60, height = 8 + random() % 20;
    CAPTURE(text);
    CAPTURE(width);
    const std::string whole = shown(text, width, height);
    Screen screen(width, height);
    MarkdownStream stream({.width = width, .height = height});
    for (size_t at = 0; at < text.size();) {
      const size_t n = 1 + random() % (1 + random() % 12);
      screen.write(stream.feed(std::string_view(text).substr(at, n)));
      at += n;
    }
    screen.write(stream.finish());
    CHECK(screen.text() == whole);
    if (screen.text() != whole) break;

    // Words may be broken at the edge of the screen: without spaces and newlines they must be there in their order.
    std::string dense;
    for (const char* p = whole.data(); p < whole.data() + whole.size();) {
      const Decoded c = decode_utf8(p, whole.data() + whole.size());
      if (c.value != ' ' && c.value != '\n' && c.value != '\t' && c.value != U'│') dense.append(p, c.length);
      p += c.length;
    }
    size_t from = 0;
    bool all = true;
    for (int i = 1; i <= words && all; ++i) {
      const std::string word = "w" + std::to_string(i) + "q";
      const size_t at = dense.find(word, from);
      all = at != std::string::npos && dense.find(word, at + 1) == std::string::npos;
      from = at + word.size();
    }
    CAPTURE(whole);
    CHECK(all);
    if (!all) break;
  }
}

TEST_CASE("text that comes shows at once, and what is on the screen is seldom written again") {
  std::string text = "Bamboo grows **very** fast because of its rhizomes. ";
  for (int i = 0; i < 6; ++i) text += text;
  MarkdownStream stream({.width = 80, .height = 24});
  size_t written = 0;
  Screen screen(80, 24);
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string out = stream.feed(text.substr(i, 1));
    written += out.size();
    screen.write(out);
    // Everything but a mark that is open and spaces is there.
    if (text[i] == 's') CHECK(screen.text().ends_with("s\n"));
  }
  CHECK(written < 2 * text.size());
}

}  // namespace
}  // namespace mang::cli
