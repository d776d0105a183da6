// The keys of a server, from a file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "serve/keys.h"

namespace mang::cli {

// A key a line, then what belongs to it, in any order: name=lan together=4 requests=60 tokens=100000 (the last two a
// minute). Empty lines and those that begin with '#' count for nothing. `what` names the source in errors, which never
// show a key.
Result<void> read_api_keys(std::string_view text, std::string_view what, serve::Keys& keys);

}  // namespace mang::cli
