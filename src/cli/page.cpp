#include "cli/page.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "cli/io.h"

namespace mang::cli {

size_t columns(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string wrapped(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (used > 0 && indent + used + 1 + columns(word) > width) {
      out += '\n' + std::string(indent, ' ');
      used = 0;
    }
    if (used > 0) out += ' ';
    out += word;
    used += columns(word) + (used > 0 ? 1 : 0);
  }
  return out;
}

void Page::title(const std::string& text) { text_ += (width_ > 0 ? without_terminal_controls(text) : text) + "\n"; }

void Page::row(const std::string& label, const std::string& value) {
  const std::string shown =
      width_ > 0 ? wrapped(without_terminal_controls(value), indent_ + label_width_ + 1, width_) : value;
  text_ += fmt::format("{}{:<{}} {}\n", std::string(indent_, ' '), label, label_width_, shown);
}

}  // namespace mang::cli
