// JSON from outside: nlohmann's ordered_json behind a Result and a depth limit. Include only in .cpp files
// (or headers that truly need a Json member): it is heavy to compile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mang {

using Json = nlohmann::ordered_json;

inline constexpr int kJsonMaxDepth = 64;

// `what` names the source in the error ("config.json"). Nesting deeper than max_depth is refused.
Result<Json> parse_json(std::string_view text, std::string_view what, int max_depth = kJsonMaxDepth);

// One line of JSON; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string dump_json(const Json& value);

}  // namespace mang
