// mang html-text, which `mang run` starts to read @page.html, and what it does.
#include "cli/html_text.h"

#include <gumbo.h>
#include <iconv.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "text/unicode.h"

namespace mang::cli {
namespace {

constexpr size_t kMostHtml = 64 * kMiB;

bool one_of(GumboTag tag, std::initializer_list<GumboTag> tags) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

bool is_unread(GumboTag tag) {
  return one_of(
      tag, {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_TEMPLATE, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_SVG, GUMBO_TAG_MATH,
            GUMBO_TAG_IFRAME, GUMBO_TAG_OBJECT, GUMBO_TAG_CANVAS, GUMBO_TAG_SELECT, GUMBO_TAG_BUTTON});
}

// Elements with a blank line around them, and with a line of their own.
bool is_apart(GumboTag tag) {
  return one_of(tag, {GUMBO_TAG_P, GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3, GUMBO_TAG_H4, GUMBO_TAG_H5, GUMBO_TAG_H6,
                      GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_DL, GUMBO_TAG_PRE, GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_TABLE,
                      GUMBO_TAG_TITLE, GUMBO_TAG_FIGURE, GUMBO_TAG_HR});
}
bool is_block(GumboTag tag) {
  return is_apart(tag) ||
         one_of(tag, {GUMBO_TAG_DIV, GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE, GUMBO_TAG_HEADER, GUMBO_TAG_FOOTER,
                      GUMBO_TAG_MAIN, GUMBO_TAG_ASIDE, GUMBO_TAG_NAV, GUMBO_TAG_LI, GUMBO_TAG_DT, GUMBO_TAG_DD,
                      GUMBO_TAG_TR, GUMBO_TAG_FORM, GUMBO_TAG_FIGCAPTION, GUMBO_TAG_ADDRESS, GUMBO_TAG_BODY});
}

bool is_hidden(const GumboElement& element) { return gumbo_get_attribute(&element.attributes, "hidden") != nullptr; }

// Text with white space as a browser shows it.
class Writer {
 public:
  void words(std::string_view text) {
    for (const char c : text) {
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        space_ = true;
        continue;
      }
      begin();
      out_ += c;
    }
  }
  void exactly(std::string_view text) {
    begin();
    out_ += text;
  }
  void lines(int blank) { newlines_ = std::max(newlines_, 1 + blank); }

  std::string take() { return std::move(out_) + "\n"; }

 private:
  void begin() {
    if (newlines_ > 0) {
      if (!out_.empty()) out_.append(static_cast<size_t>(newlines_), '\n');
    } else if (space_ && !out_.empty() && !out_.ends_with('\n')) {
      out_ += ' ';
    }
    newlines_ = 0;
    space_ = false;
  }

  std::string out_;
  int newlines_ = 0;  // due before the next text
  bool space_ = false;
};

// In the order of the page, without recursion.
void write_page(const GumboNode* root, Writer& writer) {
  struct Place {
    const GumboNode* node;
    unsigned next;  // child
    bool exact;     // preformatted
  };
  std::vector<Place> path{{root, 0, false}};
  while (!path.empty()) {
    Place& here = path.back();
    const GumboElement& element = here.node->v.element;
    if (here.next == element.children.length) {
      if (is_block(element.tag)) writer.lines(is_apart(element.tag) ? 1 : 0);
      path.pop_back();
      continue;
    }
    const auto* child = static_cast<const GumboNode*>(element.children.data[here.next++]);
    const bool exact = here.exact;
    if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_CDATA) {
      exact ? writer.exactly(child->v.text.text) : writer.words(child->v.text.text);
    } else if (child->type == GUMBO_NODE_WHITESPACE) {
      exact ? writer.exactly(child->v.text.text) : writer.words(" ");
    } else if (child->type == GUMBO_NODE_ELEMENT) {
      const GumboElement& inner = child->v.element;
      const GumboTag tag = inner.tag;
      if (is_unread(tag) || is_hidden(inner)) continue;
      if (tag == GUMBO_TAG_BR) writer.lines(0);
      if (is_block(tag)) writer.lines(is_apart(tag) ? 1 : 0);
      if (tag == GUMBO_TAG_LI) writer.exactly("- ");
      if (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6) {
        writer.exactly(std::string(static_cast<size_t>(tag - GUMBO_TAG_H1 + 1), '#') + " ");
      }
      if (one_of(tag, {GUMBO_TAG_TD, GUMBO_TAG_TH}) && child->index_within_parent > 0) writer.words(" | ");
      if (const GumboAttribute* alt = gumbo_get_attribute(&inner.attributes, "alt"); alt && tag == GUMBO_TAG_IMG) {
        writer.words(alt->value);
      }
      path.push_back({child, 0, exact || tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_TEXTAREA});
    }
  }
}

// The name in charset=…, near the beginning of the page; empty: none.
std::string named_encoding(const std::string& html) {
  std::string head = html.substr(0, 1024);
  for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const size_t at = head.find("charset=");
  if (at == std::string::npos) return "";
  const size_t start = head.find_first_not_of("\"' ", at + 8);
  if (start == std::string::npos) return "";
  const size_t end = std::min(head.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_", start), head.size());
  return head.substr(start, end - start);
}

// The page in UTF-8; what cannot be converted becomes U+FFFD.
std::string in_utf8(const std::string& html) {
  if (is_utf8(html)) return html;
  const std::string name = named_encoding(html);
  const iconv_t converter = name.empty() ? iconv_t(-1) : ::iconv_open("UTF-8", name.c_str());
  if (converter == iconv_t(-1)) return replace_invalid_utf8(html);
  std::string out;
  char* from = const_cast<char*>(html.data());
  size_t left = html.size();
  while (left > 0) {
    char piece[4096];
    char* to = piece;
    size_t room = sizeof piece;
    const size_t done = ::iconv(converter, &from, &left, &to, &room);
    out.append(piece, static_cast<size_t>(to - piece));
    if (done == static_cast<size_t>(-1) && errno != E2BIG && left > 0) {
      out += "\xEF\xBF\xBD";
      ++from;
      --left;
    }
  }
  ::iconv_close(converter);
  return out;
}

// A page can be made to take all memory there is, or to recurse for ever. (The sanitizers need more addresses.)
void limit_this_process() {
#if !defined(__SANITIZE_ADDRESS__)
  const struct rlimit addresses = {2 * kGiB, 2 * kGiB};
  ::setrlimit(RLIMIT_AS, &addresses);
#endif
  const struct rlimit seconds = {20, 20};
  ::setrlimit(RLIMIT_CPU, &seconds);
}

}  // namespace

std::string html_text(const std::string& html) {
  const std::string page = in_utf8(html);
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;  // an error notes all elements that are open: deep pages would take their depth squared
  GumboOutput* parsed = gumbo_parse_with_options(&options, page.data(), page.size());
  Writer writer;
  write_page(parsed->root, writer);
  gumbo_destroy_output(&options, parsed);
  return writer.take();
}

void add_html_text(CLI::App& app, Action& action) {
  CLI::App* command = add_command(app, "html-text", tr("The readable text of an HTML page on standard input"));
  command->group("");
  command->callback([&action] {
    action = [](Context& context) -> Result<int> {
      limit_this_process();
      MANG_TRY(const std::string html, read_stdin(kMostHtml));
      context.out.write(html_text(html));
      return kExitOk;
    };
  });
}

}  // namespace mang::cli
