#include "format/json_events.h"

namespace mang {

namespace {

// The length of the longest string, number or run of blanks, or the first that is longer than `enough`.
size_t longest_token(std::string_view text, size_t enough) {
  size_t longest = 0;
  size_t begin = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && longest <= enough; ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
      continue;
    }
    const bool structural = c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}';
    if (c != '"' && (in_string || !structural)) continue;
    if (c == '"') in_string = !in_string;
    longest = std::max(longest, i - begin);
    begin = i;
  }
  return std::max(longest, text.size() - begin);
}

}  // namespace

Result<void> check_json_text(std::string_view text, std::string_view what) {
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    return fail("{}: is not valid JSON: there is a zero byte at {}.", what, zero);
  }
  const size_t last = text.find_last_not_of(" \t\r\n");
  if (longest_token(text.substr(0, last + 1), kJsonMaxTokenBytes) > kJsonMaxTokenBytes) {
    return fail("{}: a string or blank of more than {} bytes in its JSON is refused.", what, kJsonMaxTokenBytes);
  }
  return {};
}

std::string json_complaint(std::string_view message) {
  if (const size_t at = message.find("] "); at != message.npos) message.remove_prefix(at + 2);
  return std::string(message.substr(0, message.find("; last read")));
}

}  // namespace mang
