#include "jinja/text_search.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace mang::jinja {
namespace {

// Knuth, Morris and Pratt: never looks at a byte of the text more than twice.
size_t find_kmp(std::string_view text, std::string_view needle, size_t from) {
  std::vector<uint32_t> fallback(needle.size(), 0);
  for (size_t i = 1, k = 0; i < needle.size(); ++i) {
    while (k > 0 && needle[i] != needle[k]) k = fallback[k - 1];
    if (needle[i] == needle[k]) ++k;
    fallback[i] = static_cast<uint32_t>(k);
  }
  for (size_t i = from, k = 0; i < text.size(); ++i) {
    while (k > 0 && text[i] != needle[k]) k = fallback[k - 1];
    if (text[i] == needle[k]) ++k;
    if (k == needle.size()) return i + 1 - k;
  }
  return std::string_view::npos;
}

}  // namespace

size_t find_bytes(std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size() || needle.size() > text.size() - from) return std::string_view::npos;
  if (needle.empty()) return from;
  // The plain search is quickest on ordinary text; one that keeps matching in vain gives way to the sure one.
  size_t wasted = 0;
  for (size_t at = from; at + needle.size() <= text.size();) {
    const void* hit = std::memchr(text.data() + at, needle[0], text.size() - needle.size() + 1 - at);
    if (!hit) return std::string_view::npos;
    at = static_cast<size_t>(static_cast<const char*>(hit) - text.data());
    size_t matched = 1;
    while (matched < needle.size() && text[at + matched] == needle[matched]) ++matched;
    if (matched == needle.size()) return at;
    wasted += matched;
    if (wasted > 256 + 4 * (at - from)) return find_kmp(text, needle, at);
    ++at;
  }
  return std::string_view::npos;
}

size_t rfind_bytes(std::string_view text, std::string_view needle) {
  if (needle.size() > text.size()) return std::string_view::npos;
  if (needle.empty()) return text.size();
  const std::string reversed_text(text.rbegin(), text.rend()), reversed_needle(needle.rbegin(), needle.rend());
  const size_t at = find_bytes(reversed_text, reversed_needle);
  return at == std::string_view::npos ? at : text.size() - at - needle.size();
}

size_t count_bytes(std::string_view text, std::string_view needle) {
  size_t n = 0;
  for (size_t at = 0; (at = find_bytes(text, needle, at)) != std::string_view::npos; at += needle.size()) ++n;
  return n;
}

}  // namespace mang::jinja
