// Methods of str that search, cut and join.
#include <algorithm>

#include "jinja/methods_text.h"
#include "jinja/text_search.h"
#include "jinja/unicode.h"

namespace mang::jinja::text_methods {
namespace {

constexpr size_t kNone = std::string_view::npos;

Value piece(Runtime& rt, const Value& self, std::string_view text) {
  return rt.string(std::string(text), self.text().safe);
}

// The part of a text that (sub, start, end) search in: bytes, and the code points before them. Empty optional: start
// lies behind the end, where not even an empty text is found.
struct Window {
  std::string_view bytes;
  size_t before;
};

Result<std::optional<Window>> window_of(Runtime& rt, const Value& self, const Value& start, const Value& end) {
  const auto text = self.str();
  MANG_TRY(rt.step(text.size() / 32));
  const auto length = static_cast<int64_t>(self.text().length());
  if (!self.text().ascii()) MANG_TRY(rt.letters(text.size()));
  int64_t from = 0, to = length;
  if (present(start)) {
    MANG_TRY(from, to_index(start, "a position"));
  }
  if (present(end)) {
    MANG_TRY(to, to_index(end, "a position"));
  }
  if (from < 0) from = std::max<int64_t>(from + length, 0);
  if (to < 0) to = std::max<int64_t>(to + length, 0);
  to = std::min(to, length);
  if (from > to) return std::optional<Window>();
  const size_t first =
      self.text().ascii() ? static_cast<size_t>(from) : unicode::offset_of(text, static_cast<size_t>(from));
  const auto rest = text.substr(first);
  const auto size = static_cast<size_t>(to - from);
  return std::optional<Window>(
      Window{rest.substr(0, self.text().ascii() ? size : unicode::offset_of(rest, size)), static_cast<size_t>(from)});
}

enum class Side { left, right };

// Position in code points, -1: not there.
Result<int64_t> search(Runtime& rt, std::string_view name, const Value& self, Arguments& arguments, Side side) {
  MANG_TRY(auto a, bind<3>(name, arguments, {"/sub", "/start", "/end"}, 1));
  MANG_TRY(auto sub, expect_text(a[0], name));
  MANG_TRY(auto window, window_of(rt, self, a[1], a[2]));
  if (!window) return -1;
  MANG_TRY(rt.work(side == Side::right ? window->bytes.size() : 0));
  const size_t at = side == Side::left ? find_bytes(window->bytes, sub) : rfind_bytes(window->bytes, sub);
  if (at == kNone) return -1;
  return static_cast<int64_t>(window->before + unicode::count(window->bytes.substr(0, at)));
}

Result<Value> affix(Runtime& rt, std::string_view name, const Value& self, Arguments& arguments, Side side) {
  MANG_TRY(auto a, bind<3>(name, arguments, {"/prefix", "/start", "/end"}, 1));
  MANG_TRY(auto window, window_of(rt, self, a[1], a[2]));
  const std::vector<Value> candidates = a[0].is(Kind::tuple) ? a[0].items() : std::vector<Value>{a[0]};
  for (const Value& candidate : candidates) {
    MANG_TRY(rt.step());
    if (!candidate.is(Kind::string)) {
      return fail("{} first arg must be str or a tuple of str, not {}", name, type_name(candidate));
    }
    if (!window) continue;
    const bool hit =
        side == Side::left ? window->bytes.starts_with(candidate.str()) : window->bytes.ends_with(candidate.str());
    if (hit) return Value::boolean(true);
  }
  return Value::boolean(false);
}

// Cuts at a separator, from the left; limit < 0: everywhere.
std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t limit) {
  std::vector<std::string_view> out;
  size_t start = 0;
  while (limit < 0 || static_cast<int64_t>(out.size()) < limit) {
    const size_t at = find_bytes(text, separator, start);
    if (at == kNone) break;
    out.push_back(text.substr(start, at - start));
    start = at + separator.size();
  }
  out.push_back(text.substr(start));
  return out;
}

// From the right, on reversed texts.
std::vector<std::string_view> rsplit_at(std::string_view text, std::string_view separator, int64_t limit) {
  const std::string back(text.rbegin(), text.rend()), back_separator(separator.rbegin(), separator.rend());
  std::vector<std::string_view> out;
  for (const auto part : split_at(back, back_separator, limit)) {
    const auto start = static_cast<size_t>(part.data() - back.data());
    out.push_back(text.substr(text.size() - start - part.size(), part.size()));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<std::string_view> split_space(std::string_view text, int64_t limit) {
  std::vector<std::string_view> out;
  text = unicode::strip(text, true, false);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(out.size()) == limit) {
      out.push_back(unicode::strip(text, false, true));
      break;
    }
    size_t end = 0;
    for (size_t next = 0; next < text.size(); end = next) {
      if (unicode::has(unicode::decode(text, next), unicode::kSpace)) break;
    }
    out.push_back(text.substr(0, end));
    text = unicode::strip(text.substr(end), true, false);
  }
  return out;
}

std::vector<std::string_view> rsplit_space(std::string_view text, int64_t limit) {
  std::vector<std::string_view> out;
  text = unicode::strip(text, false, true);
  while (!text.empty()) {
    if (limit >= 0 && static_cast<int64_t>(out.size()) == limit) {
      out.push_back(unicode::strip(text, true, false));
      break;
    }
    size_t start = text.size();
    while (start > 0) {
      const size_t before = unicode::previous(text, start);
      size_t next = before;
      if (unicode::has(unicode::decode(text, next), unicode::kSpace)) break;
      start = before;
    }
    out.push_back(text.substr(start));
    text = unicode::strip(text.substr(0, start), false, true);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Result<Value> split_either(Runtime& rt, std::string_view name, const Value& self, Arguments& arguments, Side side) {
  MANG_TRY(auto a, bind<2>(name, arguments, {"sep", "maxsplit"}, 0));
  int64_t limit = -1;
  if (given(a[1])) {
    MANG_TRY(limit, to_index(a[1], "maxsplit"));
  }
  const auto text = self.str();
  MANG_TRY(rt.work(text.size() * (side == Side::right ? 16 : 8)));
  std::vector<std::string_view> parts;
  if (present(a[0])) {
    MANG_TRY(auto separator, expect_text(a[0], name));
    if (separator.empty()) return fail("empty separator");
    MANG_TRY(rt.work(count_bytes(text, separator) * 128));
    parts = side == Side::left ? split_at(text, separator, limit) : rsplit_at(text, separator, limit);
  } else {
    MANG_TRY(rt.work(text.size() * 16));
    parts = side == Side::left ? split_space(text, limit) : rsplit_space(text, limit);
  }
  std::vector<Value> out;
  out.reserve(parts.size());
  for (const auto part : parts) {
    MANG_TRY(rt.step());
    out.push_back(piece(rt, self, part));
  }
  return rt.list(std::move(out));
}

Result<Value> partition_either(Runtime& rt, std::string_view name, const Value& self, Arguments& arguments, Side side) {
  MANG_TRY(auto a, bind<1>(name, arguments, {"/sep"}, 1));
  MANG_TRY(auto separator, expect_text(a[0], name));
  if (separator.empty()) return fail("empty separator");
  const auto text = self.str();
  MANG_TRY(rt.work(text.size() * 8));
  const size_t at = side == Side::left ? find_bytes(text, separator) : rfind_bytes(text, separator);
  if (at == kNone) {
    const Value empty = piece(rt, self, "");
    return side == Side::left ? rt.tuple({self, empty, empty}) : rt.tuple({empty, empty, self});
  }
  return rt.tuple({piece(rt, self, text.substr(0, at)), piece(rt, self, separator),
                   piece(rt, self, text.substr(at + separator.size()))});
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) { return split_space(text, -1); }

std::vector<std::string_view> lines_of(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> out;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at;
    const char32_t c = unicode::decode(text, at);
    if (!unicode::is_line_break(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    out.push_back(text.substr(start, (keep_ends ? at : end) - start));
    start = at;
  }
  if (start < text.size()) out.push_back(text.substr(start));
  return out;
}

Result<Value> find(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(int64_t at, search(rt, "find", self, arguments, Side::left));
  return Value::integer(at);
}

Result<Value> rfind(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(int64_t at, search(rt, "rfind", self, arguments, Side::right));
  return Value::integer(at);
}

Result<Value> index(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(int64_t at, search(rt, "index", self, arguments, Side::left));
  if (at < 0) return fail("substring not found");
  return Value::integer(at);
}

Result<Value> rindex(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(int64_t at, search(rt, "rindex", self, arguments, Side::right));
  if (at < 0) return fail("substring not found");
  return Value::integer(at);
}

Result<Value> count(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("count", arguments, {"/sub", "/start", "/end"}, 1));
  MANG_TRY(auto sub, expect_text(a[0], "count"));
  MANG_TRY(auto window, window_of(rt, self, a[1], a[2]));
  if (!window) return Value::integer(0);
  const size_t n = sub.empty() ? unicode::count(window->bytes) + 1 : count_bytes(window->bytes, sub);
  return Value::integer(static_cast<int64_t>(n));
}

Result<Value> starts_with(Runtime& rt, const Value& self, Arguments& arguments) {
  return affix(rt, "startswith", self, arguments, Side::left);
}
Result<Value> ends_with(Runtime& rt, const Value& self, Arguments& arguments) {
  return affix(rt, "endswith", self, arguments, Side::right);
}
Result<Value> split(Runtime& rt, const Value& self, Arguments& arguments) {
  return split_either(rt, "split", self, arguments, Side::left);
}
Result<Value> rsplit(Runtime& rt, const Value& self, Arguments& arguments) {
  return split_either(rt, "rsplit", self, arguments, Side::right);
}
Result<Value> partition(Runtime& rt, const Value& self, Arguments& arguments) {
  return partition_either(rt, "partition", self, arguments, Side::left);
}
Result<Value> rpartition(Runtime& rt, const Value& self, Arguments& arguments) {
  return partition_either(rt, "rpartition", self, arguments, Side::right);
}

Result<Value> split_lines(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("splitlines", arguments, {"keepends"}, 0));
  MANG_TRY(bool keep, truth_or(rt, a[0], false));
  MANG_TRY(rt.letters(self.str().size()));
  std::vector<Value> out;
  for (const auto line : lines_of(self.str(), keep)) {
    MANG_TRY(rt.step());
    out.push_back(piece(rt, self, line));
  }
  return rt.list(std::move(out));
}

Result<Value> join(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("join", arguments, {"/iterable"}, 1));
  MANG_TRY(auto items, to_vector(rt, a[0]));
  const bool safe = self.text().safe;
  Builder out(rt);
  for (size_t i = 0; i < items.size(); ++i) {
    MANG_TRY(rt.step());
    Value item = items[i];
    if (safe) {
      MANG_TRY(item, escape_value(rt, item));
    }
    if (!item.is(Kind::string)) {
      return fail("sequence item {}: expected str instance, {} found", i, type_name(items[i]));
    }
    if (i > 0) MANG_TRY(out.append(self.str()));
    MANG_TRY(out.append(item.str()));
  }
  return rt.string(out.take(), safe);
}

Result<std::string> replace_text(Runtime& rt, std::string_view text, std::string_view old, std::string_view by,
                                 int64_t limit) {
  MANG_TRY(rt.step(text.size() / 16));
  size_t hits = old.empty() ? unicode::count(text) + 1 : count_bytes(text, old);
  if (limit >= 0) hits = std::min(hits, static_cast<size_t>(limit));
  size_t grown = 0;
  if (__builtin_mul_overflow(hits, by.size(), &grown)) grown = SIZE_MAX / 4;
  MANG_TRY(rt.work(text.size() + grown));
  std::string out;
  out.reserve(text.size() + grown - hits * old.size());
  size_t at = 0;
  for (; hits > 0; --hits) {
    if (old.empty()) {
      out.append(by);
      const size_t start = at;
      if (at < text.size()) unicode::decode(text, at);
      out.append(text.substr(start, at - start));
      continue;
    }
    const size_t hit = find_bytes(text, old, at);
    out.append(text.substr(at, hit - at)).append(by);
    at = hit + old.size();
  }
  out.append(text.substr(at));
  return out;
}

Result<Value> replace(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("replace", arguments, {"/old", "/new", "/count"}, 2));
  MANG_TRY(auto old, expect_text(a[0], "replace"));
  int64_t limit = -1;
  if (given(a[2])) {
    MANG_TRY(limit, to_index(a[2], "count"));
  }
  if (self.text().safe) {
    MANG_TRY(a[1], escape_value(rt, a[1]));
  }
  MANG_TRY(auto by, expect_text(a[1], "replace"));
  MANG_TRY(std::string out, replace_text(rt, self.str(), old, by, limit));
  return rt.string(std::move(out), self.text().safe);
}

std::string_view strip_text(std::string_view text, std::optional<std::string_view> chars, bool left, bool right) {
  if (!chars) return unicode::strip(text, left, right);
  std::vector<char32_t> listed;
  for (size_t at = 0; at < chars->size();) listed.push_back(unicode::decode(*chars, at));
  std::sort(listed.begin(), listed.end());
  const auto strips = [&](size_t at) {
    return std::binary_search(listed.begin(), listed.end(), unicode::decode(text, at));
  };
  while (left && !text.empty() && strips(0)) {
    size_t next = 0;
    unicode::decode(text, next);
    text.remove_prefix(next);
  }
  while (right && !text.empty()) {
    const size_t start = unicode::previous(text, text.size());
    if (!strips(start)) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

namespace {

Result<Value> strip_sides(Runtime& rt, std::string_view name, const Value& self, Arguments& arguments, bool left,
                          bool right) {
  MANG_TRY(auto a, bind<1>(name, arguments, {"/chars"}, 0));
  std::optional<std::string_view> chars;
  if (present(a[0])) {
    MANG_TRY(chars, expect_text(a[0], name));
    MANG_TRY(rt.letters(self.str().size() + chars->size()));
  }
  MANG_TRY(rt.work(self.str().size() * 4));
  return piece(rt, self, strip_text(self.str(), chars, left, right));
}

}  // namespace

Result<Value> strip(Runtime& rt, const Value& self, Arguments& arguments) {
  return strip_sides(rt, "strip", self, arguments, true, true);
}
Result<Value> lstrip(Runtime& rt, const Value& self, Arguments& arguments) {
  return strip_sides(rt, "lstrip", self, arguments, true, false);
}
Result<Value> rstrip(Runtime& rt, const Value& self, Arguments& arguments) {
  return strip_sides(rt, "rstrip", self, arguments, false, true);
}

}  // namespace mang::jinja::text_methods
