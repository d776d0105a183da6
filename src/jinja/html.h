// HTML helpers behind the filters striptags and urlize.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang::jinja {

// markupsafe's striptags: tags and comments go, runs of whitespace become one space, entities become characters.
std::string strip_html_tags(std::string_view text);
// Python's html.unescape.
std::string unescape_html(std::string_view text);

struct UrlizeOptions {
  int64_t trim_limit = -1;  // of the shown address; negative: none
  bool nofollow = false;
  std::string target, rel;  // empty: none
  std::vector<std::string> extra_schemes;
};
// Addresses in escaped text become links.
Result<std::string> urlize_html(std::string_view escaped, const UrlizeOptions& options);

}  // namespace mang::jinja
