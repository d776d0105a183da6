#include "jinja/html.h"

#include <algorithm>
#include <iterator>

#include "jinja/methods_text.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

struct Entity {
  std::string_view name;  // with its ';' where it has one
  std::string_view text;
};
#include "jinja/html_entities.inc"

const Entity* find_entity(std::string_view name) {
  const auto* at = std::lower_bound(std::begin(kEntities), std::end(kEntities), name,
                                    [](const Entity& e, std::string_view n) { return e.name < n; });
  return at != std::end(kEntities) && at->name == name ? at : nullptr;
}

// &#NNN; by HTML5's rules: Windows-1252 for the C1 range, nothing for what is no character.
void append_reference(std::string& out, uint64_t code) {
  static constexpr uint16_t windows[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                           0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                           0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                           0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
  if (code >= 0x80 && code < 0xA0) return unicode::append(out, windows[code - 0x80]);
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return unicode::append(out, 0xFFFD);
  const bool control = (code < 0x20 && !(code >= 0x9 && code <= 0xD)) || code == 0xB || code == 0x7F;
  const bool no_character = (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
  if (!control && !no_character) unicode::append(out, static_cast<char32_t>(code));
}

// The reference at `at` (behind '&'); returns how many bytes it took, 0: none.
size_t append_entity(std::string& out, std::string_view rest) {
  if (rest.starts_with('#')) {
    const bool hex = rest.size() > 1 && (rest[1] | 0x20) == 'x';
    size_t end = hex ? 2 : 1;
    const size_t start = end;
    uint64_t code = 0;
    for (; end < rest.size() && std::isxdigit(static_cast<unsigned char>(rest[end])); ++end) {
      const char c = rest[end];
      if (!hex && !std::isdigit(static_cast<unsigned char>(c))) break;
      const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
      code = std::min<uint64_t>(code * (hex ? 16 : 10) + static_cast<uint64_t>(digit), 0x110000);
    }
    if (end == start) return 0;
    append_reference(out, code);
    return end + (end < rest.size() && rest[end] == ';');
  }
  size_t end = 0;
  for (int n = 0;
       n < 32 && end < rest.size() && std::string_view("\t\n\f <&#;").find(rest[end]) == std::string_view::npos; ++n) {
    unicode::decode(rest, end);
  }
  if (end == 0) return 0;
  if (end < rest.size() && rest[end] == ';') ++end;
  for (size_t size = end; size > 1 || size == end; --size) {
    if (const Entity* entity = find_entity(rest.substr(0, size))) {
      out += entity->text;
      return size;
    }
    if (size <= 2) break;
  }
  return 0;
}

bool is_word(char32_t c) {
  constexpr uint16_t word = unicode::kAlpha | unicode::kDecimal | unicode::kDigit | unicode::kNumeric;
  return c == '_' || (unicode::properties(c) & word) != 0;
}

bool all_of(std::string_view text, bool (*holds)(char32_t)) {
  for (size_t at = 0; at < text.size();) {
    if (!holds(unicode::decode(text, at))) return false;
  }
  return true;
}

bool is_label_character(char32_t c) { return is_word(c) || c == '%' || c == '-'; }
bool is_tld_character(char32_t c) { return is_word(c) || c == '%'; }
bool is_letter(char32_t c) { return c < 0x80 && std::isalpha(static_cast<int>(c)); }
bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

std::vector<std::string_view> labels_of(std::string_view host) {
  std::vector<std::string_view> out;
  for (size_t start = 0; start <= host.size();) {
    const size_t end = std::min(host.find('.', start), host.size());
    out.push_back(host.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return c < 0x80 ? std::tolower(c) : c; });
  return out;
}

// Behind http:// or www.: labels and a top-level domain of letters, or xn--….
bool is_named_host(std::string_view host) {
  const auto labels = labels_of(host);
  for (size_t i = 0; i + 1 < labels.size(); ++i) {
    if (labels[i].empty() || !all_of(labels[i], is_label_character)) return false;
  }
  const auto tld = labels.back();
  const size_t size = unicode::count(tld);
  if (size >= 2 && size <= 63 && all_of(tld, is_letter)) return true;
  return lower_ascii(tld.substr(0, 4)) == "xn--" && size >= 6 && size <= 63 && all_of(tld.substr(4), is_tld_character);
}

// Without a scheme: one of the old top-level domains.
bool is_basic_domain(std::string_view host) {
  const auto labels = labels_of(host);
  if (labels.size() < 2) return false;
  for (size_t i = 0; i + 1 < labels.size(); ++i) {
    const size_t size = unicode::count(labels[i]);
    if (size < 2 || size > 63 || !all_of(labels[i], is_label_character)) return false;
  }
  const std::string tld = lower_ascii(labels.back());
  for (const std::string_view known : {"com", "net", "int", "edu", "gov", "org", "info", "mil"}) {
    if (tld == known) return true;
  }
  return false;
}

bool is_ipv4(std::string_view host) {
  const auto parts = labels_of(host);
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view p) {
           return !p.empty() && p.size() <= 3 && all_of(p, is_digit);
         });
}

// [a:b:…]: two groups with their colons, then one to six more of up to four digits.
bool is_ipv6(std::string_view inner) {
  int groups = 0, run = 0;
  for (size_t i = 0; i <= inner.size(); ++i) {
    const bool colon = i < inner.size() && inner[i] == ':';
    if (i < inner.size() && !colon && !std::isxdigit(static_cast<unsigned char>(inner[i]))) return false;
    if (!colon && i < inner.size()) {
      ++run;
      continue;
    }
    if (groups < 2) {
      if (!colon || run > 4) return false;
      ++groups;
    } else {
      groups += std::max((run + 3) / 4, colon ? 1 : 0);
    }
    run = 0;
  }
  return groups >= 2 && groups <= 8;
}

// Port and path behind a host.
bool is_tail(std::string_view rest) {
  if (rest.starts_with(':')) {
    size_t end = 1;
    while (end < rest.size() && end <= 5 && is_digit(static_cast<unsigned char>(rest[end]))) ++end;
    if (end == 1) return false;
    rest.remove_prefix(end);
  }
  return rest.empty() || rest[0] == '/' || rest[0] == '?' || rest[0] == '#';
}

bool is_address(std::string_view text) {
  const std::string start = lower_ascii(text.substr(0, 8));
  const size_t scheme = start.starts_with("https://") ? 8 : start.starts_with("http://") ? 7 : 0;
  const size_t www = start.starts_with("www.") ? 4 : 0;
  const auto host_end = [&](size_t from) {
    size_t end = from;
    for (size_t next = from; next < text.size(); end = next) {
      const char32_t c = unicode::decode(text, next);
      if (!is_label_character(c) && c != '.') break;
    }
    return end;
  };
  if (scheme && scheme < text.size() && text[scheme] == '[') {
    const size_t close = text.find(']', scheme);
    return close != std::string_view::npos && is_ipv6(text.substr(scheme + 1, close - scheme - 1)) &&
           is_tail(text.substr(close + 1));
  }
  const size_t end = host_end(scheme);
  if (!is_tail(text.substr(end))) return false;
  const auto host = text.substr(scheme, end - scheme);
  if (scheme) return is_named_host(host) || is_ipv4(host);
  return (www && is_named_host(host.substr(4))) || is_basic_domain(host);
}

bool is_email(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0) return false;
  const auto domain = text.substr(at + 1);
  const size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  size_t next = 0;
  if (!is_word(unicode::decode(domain, next))) return false;
  const auto last = domain.substr(dot + 1);
  return !last.empty() && all_of(last, is_word) &&
         all_of(domain.substr(0, dot), [](char32_t c) { return is_word(c) || c == '.' || c == '-'; });
}

size_t count_of(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++n;
  return n;
}

// Brackets and punctuation around an address are not part of it, unless they balance.
void split_word(std::string_view word, std::string& head, std::string& middle, std::string& tail) {
  size_t begin = 0;
  while (begin < word.size()) {
    if (word[begin] == '(' || word[begin] == '<') {
      ++begin;
    } else if (word.substr(begin).starts_with("&lt;")) {
      begin += 4;
    } else {
      break;
    }
  }
  size_t end = word.size();
  while (end > begin) {
    if (std::string_view(")>.,\n").find(word[end - 1]) != std::string_view::npos) {
      --end;
    } else if (end - begin >= 4 && word.substr(end - 4, 4) == "&gt;") {
      end -= 4;
    } else {
      break;
    }
  }
  head = word.substr(0, begin);
  middle = word.substr(begin, end - begin);
  tail = word.substr(end);
  constexpr std::pair<std::string_view, std::string_view> pairs[] = {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}};
  for (const auto& [open, close] : pairs) {
    const size_t opened = count_of(middle, open);
    if (opened <= count_of(middle, close)) continue;
    for (size_t n = std::min(opened, count_of(tail, close)); n > 0; --n) {
      const size_t stop = tail.find(close) + close.size();
      middle += tail.substr(0, stop);
      tail.erase(0, stop);
    }
  }
}

}  // namespace

std::string unescape_html(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t amp = std::min(text.find('&', at), text.size());
    out.append(text.substr(at, amp - at));
    if (amp == text.size()) break;
    at = amp + 1;
    const size_t taken = append_entity(out, text.substr(at));
    if (taken == 0) out.push_back('&');
    at += taken;
  }
  return out;
}

std::string strip_html_tags(std::string_view text) {
  std::string kept;
  size_t at = 0;
  while (true) {
    const size_t open = text.find('<', at);
    if (open == std::string_view::npos) break;
    const bool comment = text.substr(open).starts_with("<!--");
    const size_t close = comment ? text.find("-->", std::min(open + 4, text.size())) : text.find('>', open);
    if (close == std::string_view::npos) break;
    kept.append(text.substr(at, open - at));
    at = close + (comment ? 3 : 1);
  }
  kept.append(text.substr(at));
  std::string joined;
  for (const auto word : text_methods::words_of(kept)) {
    if (!joined.empty()) joined.push_back(' ');
    joined.append(word);
  }
  return unescape_html(joined);
}

Result<std::string> urlize_html(std::string_view escaped, const UrlizeOptions& options) {
  std::vector<std::string> rel{"noopener"};
  for (const auto word : text_methods::words_of(options.rel)) rel.emplace_back(word);
  if (options.nofollow) rel.emplace_back("nofollow");
  std::sort(rel.begin(), rel.end());
  rel.erase(std::unique(rel.begin(), rel.end()), rel.end());
  std::string attributes = " rel=\"";
  for (size_t i = 0; i < rel.size(); ++i) attributes += (i > 0 ? " " : "") + escape_html(rel[i]);
  attributes += "\"";
  if (!options.target.empty()) attributes += " target=\"" + escape_html(options.target) + "\"";

  const auto shown = [&](const std::string& address) {
    if (options.trim_limit < 0 || unicode::count(address) <= static_cast<size_t>(options.trim_limit)) return address;
    return address.substr(0, unicode::offset_of(address, static_cast<size_t>(options.trim_limit))) + "...";
  };
  std::string out;
  for (size_t at = 0; at < escaped.size();) {
    size_t end = at;
    for (size_t next = at; next < escaped.size(); end = next) {
      if (unicode::has(unicode::decode(escaped, next), unicode::kSpace)) break;
    }
    if (end == at) {  // whitespace stays
      unicode::decode(escaped, end);
      out.append(escaped.substr(at, end - at));
      at = end;
      continue;
    }
    std::string head, middle, tail;
    split_word(escaped.substr(at, end - at), head, middle, tail);
    at = end;
    const std::string_view m = middle;
    if (is_address(m)) {
      const bool scheme = m.starts_with("https://") || m.starts_with("http://");
      middle = fmt::format("<a href=\"{}{}\"{}>{}</a>", scheme ? "" : "https://", middle, attributes, shown(middle));
    } else if (m.starts_with("mailto:") && is_email(m.substr(7))) {
      middle = fmt::format("<a href=\"{}\">{}</a>", middle, m.substr(7));
    } else if (m.find('@') != std::string_view::npos && !m.starts_with("www.") && !m.starts_with("@") &&
               m.find(':') == std::string_view::npos && is_email(m)) {
      middle = fmt::format("<a href=\"mailto:{0}\">{0}</a>", middle);
    } else {
      for (const auto& scheme : options.extra_schemes) {
        if (middle != scheme && middle.starts_with(scheme)) {
          middle = fmt::format("<a href=\"{0}\"{1}>{0}</a>", middle, attributes);
        }
      }
    }
    out += head + middle + tail;
  }
  return out;
}

}  // namespace mang::jinja
