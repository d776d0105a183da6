#include "cli/api_keys.h"

#include <charconv>
#include <vector>

#include "base/ascii.h"
#include "cli/messages.h"

namespace mang::cli {

namespace {

constexpr size_t kShortestKey = 8;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (!(line = ascii_trimmed(line)).empty()) {
    const size_t end = std::min(line.find_first_of(kAsciiSpaces), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return out;
}

Result<void> read_property(std::string_view word, const std::string& place, std::string& name,
                           serve::KeyLimits& limits) {
  const size_t equals = word.find('=');
  const std::string_view property = word.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
  if (property == "name" && !value.empty()) {
    name = value;
    return {};
  }
  std::optional<int64_t>* limit = property == "together"   ? &limits.together
                                  : property == "requests" ? &limits.requests_a_minute
                                  : property == "tokens"   ? &limits.tokens_a_minute
                                                           : nullptr;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (limit == nullptr || error != std::errc() || end != value.data() + value.size() || number < 1) {
    return Error{say("{}: after the key comes name=TEXT, together=N, requests=N or tokens=N.", place)};
  }
  *limit = number;
  return {};
}

}  // namespace

Result<void> read_api_keys(std::string_view text, std::string_view what, serve::Keys& keys) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = ascii_trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string_view> words = words_of(line);
    const std::string place = fmt::format("{}:{}", what, number);
    if (words[0].size() < kShortestKey) {
      return Error{say("{}: a key has {} characters at least, or it is guessed.", place, kShortestKey)};
    }
    std::string name = fmt::format("key {}", number);
    serve::KeyLimits limits;
    for (size_t i = 1; i < words.size(); ++i) MANG_TRY(read_property(words[i], place, name, limits));
    keys.add(std::move(name), words[0], limits);
  }
  if (keys.empty()) return Error{say("{}: there is no key in it.", what)};
  return {};
}

}  // namespace mang::cli
