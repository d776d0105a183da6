#include "cli/json_ids.h"

#include <limits>

#include "base/json.h"
#include "cli/messages.h"

namespace mang::cli {

Result<std::vector<int32_t>> parse_ids(std::string_view json, std::string_view what) {
  MANG_TRY(Json value, parse_json(json, what));
  if (!value.is_array()) return Error{say("{}: a JSON array of token ids was expected, such as [1, 2, 3].", what)};
  std::vector<int32_t> ids;
  ids.reserve(value.size());
  for (const Json& item : value) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() > std::numeric_limits<int32_t>::max()) {
      return Error{say("{}: entry {} is {}; token ids are whole numbers from 0 to {}.", what, ids.size(),
                       dump_json(item).substr(0, 40), std::numeric_limits<int32_t>::max())};
    }
    ids.push_back(static_cast<int32_t>(item.get<uint64_t>()));
  }
  return ids;
}

}  // namespace mang::cli
