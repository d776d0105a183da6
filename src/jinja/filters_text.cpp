// Filters on text.
#include <algorithm>
#include <cmath>

#include "jinja/attribute_path.h"
#include "jinja/bind.h"
#include "jinja/formatting.h"
#include "jinja/method_tables.h"
#include "jinja/methods_text.h"
#include "jinja/python_number.h"
#include "jinja/text_search.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

// soft_str(value).method(): the value as text, then a method of str without arguments.
template <std::string (*mapping)(std::string_view)>
Result<Value> mapped(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("filter", arguments));
  MANG_TRY(Value text, to_string_value(rt, self));
  MANG_TRY(rt.work(text.str().size() * 2));
  MANG_TRY(rt.letters(text.str().size()));
  return rt.string(mapping(text.str()), text.text().safe);
}

Result<Value> to_text(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("string", arguments));
  return to_string_value(rt, self);
}

Result<Value> trim(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("trim", arguments, {"chars"}, 0));
  MANG_TRY(Value text, to_string_value(rt, self));
  Arguments inner;
  if (given(a[0])) inner.positional.push_back(a[0]);
  return text_methods::strip(rt, text, inner);
}

// jinja2's own title: words begin after whitespace, -, (, {, [ and <.
std::string title_words(std::string_view text) {
  std::string out;
  bool begins = true;
  size_t rest_start = 0;  // of the part of a word behind its first letter
  size_t rest_end = 0;
  const auto flush = [&] {
    if (rest_end > rest_start) out += unicode::lower(text.substr(rest_start, rest_end - rest_start));
    rest_start = rest_end;
  };
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = unicode::decode(text, at);
    const bool boundary = unicode::has(c, unicode::kSpace) ||
                          (c < 0x80 && std::string_view("-({[<").find(static_cast<char>(c)) != std::string_view::npos);
    if (boundary) {
      flush();
      out.append(text.substr(start, at - start));
      begins = true;
      rest_start = rest_end = at;
    } else if (begins) {
      out += unicode::upper(text.substr(start, at - start));
      begins = false;
      rest_start = rest_end = at;
    } else {
      rest_end = at;
    }
  }
  flush();
  return out;
}

Result<Value> title(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("title", arguments));
  MANG_TRY(Value text, to_string_value(rt, self));
  MANG_TRY(rt.work(text.str().size() * 2));
  MANG_TRY(rt.letters(text.str().size()));
  return rt.string(title_words(text.str()));
}

Result<Value> replace(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("replace", arguments, {"old", "new", "count"}, 2));
  int64_t limit = -1;
  if (present(a[2])) {
    MANG_TRY(limit, to_index(a[2], "count"));
  }
  Value text = self;
  bool safe = false;
  if (rt.autoescape) {
    const auto is_safe = [](const Value& v) { return v.is(Kind::string) && v.text().safe; };
    if (is_safe(a[0]) || (is_safe(a[1]) && !is_safe(text))) {
      MANG_TRY(text, escape_value(rt, text));
    }
    safe = is_safe(text);
    if (safe) {
      MANG_TRY(a[1], escape_value(rt, a[1]));
    }
  }
  MANG_TRY(std::string subject, str_of(rt, text));
  MANG_TRY(std::string old, str_of(rt, a[0]));
  MANG_TRY(std::string by, str_of(rt, a[1]));
  MANG_TRY(std::string out, text_methods::replace_text(rt, subject, old, by, limit));
  return rt.string(std::move(out), safe);
}

Result<Value> center(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("center", arguments, {"width"}, 0));
  int64_t width = 80;
  if (given(a[0])) {
    MANG_TRY(width, to_index(a[0], "width"));
  }
  MANG_TRY(Value text, to_string_value(rt, self));
  return text_methods::centered(rt, text, width, " ");
}

Result<Value> format(Runtime& rt, const Value& self, Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    return fail("can't handle positional and keyword arguments at the same time");
  }
  MANG_TRY(Value text, to_string_value(rt, self));
  if (arguments.named.empty()) return format_printf(rt, text, rt.tuple(std::move(arguments.positional)));
  auto mapping = rt.new_dict();
  for (auto& [key, value] : arguments.named) MANG_TRY(dict_set(rt, *mapping, key, value));
  return format_printf(rt, text, rt.dict(mapping));
}

Result<Value> indent(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("indent", arguments, {"width", "first", "blank"}, 0));
  MANG_TRY(bool first, truth_or(rt, a[1], false));
  MANG_TRY(bool blank, truth_or(rt, a[2], false));
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (!self.is(Kind::string)) return fail("indent wants text, not {}", type_name(self));
  std::string by = "    ";
  if (a[0].is(Kind::string)) {
    by = a[0].str();
  } else if (given(a[0])) {
    MANG_TRY(int64_t width, to_index(a[0], "width"));
    if (width > kMaxPadding) return fail("indenting by more than {} characters is refused", kMaxPadding);
    MANG_TRY(rt.work(static_cast<size_t>(std::max<int64_t>(width, 0))));
    by.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  }
  const bool safe = self.text().safe;
  if (safe && !(a[0].is(Kind::string) && a[0].text().safe)) by = escape_html(by);
  MANG_TRY(rt.work(self.str().size() * 2));
  MANG_TRY(rt.letters(self.str().size()));
  const std::string text = std::string(self.str()) + "\n";
  const auto lines = text_methods::lines_of(text, false);
  Builder out(rt);
  for (size_t i = 0; i < lines.size(); ++i) {
    MANG_TRY(rt.step());
    if (i > 0) MANG_TRY(out.append("\n"));
    const bool indented = i == 0 ? first : blank || !lines[i].empty();
    if (indented) MANG_TRY(out.append(by));
    MANG_TRY(out.append(lines[i]));
  }
  return rt.string(out.take(), safe);
}

Result<Value> truncate(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<4>("truncate", arguments, {"length", "killwords", "end", "leeway"}, 0));
  int64_t length = 255, leeway = 5;
  if (given(a[0])) {
    MANG_TRY(length, to_index(a[0], "length"));
  }
  MANG_TRY(bool kill_words, truth_or(rt, a[1], false));
  const Value end = given(a[2]) ? a[2] : rt.string("...");
  if (present(a[3])) {
    MANG_TRY(leeway, to_index(a[3], "leeway"));
  }
  MANG_TRY(int64_t end_length, length_of(rt, end));
  if (length < end_length) return fail("expected length >= {}, got {}", end_length, length);
  if (leeway < 0) return fail("expected leeway >= 0, got {}", leeway);
  MANG_TRY(int64_t size, length_of(rt, self));
  if (size <= length + leeway) return self;
  if (!self.is(Kind::string) || !end.is(Kind::string)) return fail("truncate wants text, not {}", type_name(self));
  MANG_TRY(rt.letters(self.str().size()));
  auto kept = self.str().substr(0, unicode::offset_of(self.str(), static_cast<size_t>(length - end_length)));
  if (!kill_words) {
    if (const size_t space = kept.rfind(' '); space != std::string_view::npos) kept = kept.substr(0, space);
  }
  return arithmetic(rt, Arithmetic::add, rt.string(std::string(kept), self.text().safe), end);
}

Result<Value> word_count(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("wordcount", arguments));
  MANG_TRY(Value text, to_string_value(rt, self));
  MANG_TRY(rt.letters(text.str().size()));
  constexpr uint16_t word = unicode::kAlpha | unicode::kDecimal | unicode::kDigit | unicode::kNumeric;
  int64_t n = 0;
  bool inside = false;
  for (size_t at = 0; at < text.str().size();) {
    const char32_t c = unicode::decode(text.str(), at);
    const bool in_word = c == '_' || (unicode::properties(c) & word) != 0;
    n += in_word && !inside;
    inside = in_word;
  }
  return Value::integer(n);
}

Result<Value> join(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("join", arguments, {"d", "attribute"}, 0));
  Value separator = given(a[0]) ? a[0] : rt.string("");
  MANG_TRY(auto attribute, AttributePath::parse(present(a[1]) ? a[1] : Value::none()));
  MANG_TRY(auto items, to_vector(rt, self));
  bool safe = false;
  for (Value& item : items) {
    MANG_TRY(item, attribute.get(rt, item));
    safe |= rt.autoescape && item.is(Kind::string) && item.text().safe;
  }
  safe |= rt.autoescape && separator.is(Kind::string) && separator.text().safe;
  if (safe) {
    MANG_TRY(separator, escape_value(rt, separator));
  }
  MANG_TRY(std::string between, str_of(rt, separator));
  Builder out(rt);
  for (size_t i = 0; i < items.size(); ++i) {
    MANG_TRY(rt.step());
    if (i > 0) MANG_TRY(out.append(between));
    if (safe) {
      MANG_TRY(items[i], escape_value(rt, items[i]));
    }
    MANG_TRY(append_str(rt, out, items[i]));
  }
  return rt.string(out.take(), safe);
}

}  // namespace

std::span<const FilterEntry> text_filter_table() {
  static constexpr FilterEntry table[] = {
      {"capitalize", mapped<unicode::capitalize>},
      {"center", center},
      {"format", format},
      {"indent", indent},
      {"join", join},
      {"lower", mapped<unicode::lower>},
      {"replace", replace},
      {"string", to_text},
      {"title", title},
      {"trim", trim},
      {"truncate", truncate},
      {"upper", mapped<unicode::upper>},
      {"wordcount", word_count},
  };
  return table;
}

}  // namespace mang::jinja
