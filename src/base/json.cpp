#include "base/json.h"

namespace mang {

namespace {

// The deepest nesting of brackets outside strings, without recursion.
int nesting_depth(std::string_view text, int stop_above) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && deepest <= stop_above; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, int max_depth) {
  if (nesting_depth(text, max_depth) > max_depth) {
    return fail("{}: JSON nested more than {} levels deep is refused.", what, max_depth);
  }
  // nlohmann takes a zero byte for the end of the text; JSON never has one.
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    return fail("{}: is not valid JSON: there is a zero byte at {}.", what, zero);
  }
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    std::string why = e.what();
    if (auto end = why.find("] "); end != std::string::npos) why.erase(0, end + 2);
    why.erase(std::min(why.size(), why.find("; last read")));  // quotes raw bytes, which may not be UTF-8
    return fail("{}: is not valid JSON: {}.", what, why);
  }
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace mang
