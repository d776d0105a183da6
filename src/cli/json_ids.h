// Token ids as programs hand them over: a JSON array of whole numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mang::cli {

// `what` names the source in errors. Ids must fit 32 bits and be 0 or more.
Result<std::vector<int32_t>> parse_ids(std::string_view json, std::string_view what);

}  // namespace mang::cli
