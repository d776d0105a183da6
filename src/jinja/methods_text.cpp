// Methods of str about case, classes of characters and padding; and the table of them all.
#include "jinja/methods_text.h"

#include <algorithm>

#include "jinja/formatting.h"
#include "jinja/method_tables.h"
#include "jinja/unicode.h"

namespace mang::jinja::text_methods {
namespace {

using Mapping = std::string (*)(std::string_view);

template <Mapping mapping>
Result<Value> mapped(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("str method", arguments));
  MANG_TRY(rt.work(self.str().size() * 2));
  MANG_TRY(rt.letters(self.str().size()));
  return rt.string(mapping(self.str()), self.text().safe);
}

// All code points have one of the properties, and there is at least one.
template <uint16_t any_of>
Result<Value> all_are(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("str method", arguments));
  const auto text = self.str();
  MANG_TRY(rt.letters(text.size()));
  for (size_t at = 0; at < text.size();) {
    if ((unicode::properties(unicode::decode(text, at)) & any_of) == 0) return Value::boolean(false);
  }
  return Value::boolean(!text.empty() || any_of == unicode::kPrintable);
}

constexpr uint16_t kAlnum = unicode::kAlpha | unicode::kDecimal | unicode::kDigit | unicode::kNumeric;

template <bool upper>
Result<Value> is_case(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("str method", arguments));
  const auto text = self.str();
  MANG_TRY(rt.letters(text.size()));
  bool any = false;
  for (size_t at = 0; at < text.size();) {
    const uint16_t p = unicode::properties(unicode::decode(text, at));
    if (p & (unicode::kTitle | (upper ? unicode::kLower : unicode::kUpper))) return Value::boolean(false);
    any |= (p & (upper ? unicode::kUpper : unicode::kLower)) != 0;
  }
  return Value::boolean(any);
}

Result<Value> is_title(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("istitle", arguments));
  const auto text = self.str();
  MANG_TRY(rt.letters(text.size()));
  bool any = false, after_cased = false;
  for (size_t at = 0; at < text.size();) {
    const uint16_t p = unicode::properties(unicode::decode(text, at));
    if (p & (unicode::kUpper | unicode::kTitle)) {
      if (after_cased) return Value::boolean(false);
      after_cased = any = true;
    } else if (p & unicode::kLower) {
      if (!after_cased) return Value::boolean(false);
      any = true;
    } else {
      after_cased = false;
    }
  }
  return Value::boolean(any);
}

Result<Value> is_ascii(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("isascii", arguments));
  return Value::boolean(self.text().ascii());
}

Result<Value> is_identifier(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("isidentifier", arguments));
  MANG_TRY(rt.letters(self.str().size()));
  return Value::boolean(unicode::is_identifier(self.str()));
}

Result<Value> pad(Runtime& rt, const Value& text, int64_t left, int64_t right, std::string_view fill) {
  left = std::max<int64_t>(left, 0);
  right = std::max<int64_t>(right, 0);
  if (left + right == 0) return text;
  if (left > kMaxPadding || right > kMaxPadding)
    return fail("padding to more than {} characters is refused", kMaxPadding);
  MANG_TRY(rt.work(static_cast<size_t>(left + right) * fill.size() + text.str().size()));
  const auto repeat_fill = [&](std::string& out, int64_t times) {
    if (fill.size() == 1) {
      out.append(static_cast<size_t>(times), fill[0]);
    } else {
      for (; times > 0; --times) out += fill;
    }
  };
  std::string out;
  out.reserve(static_cast<size_t>(left + right) * fill.size() + text.str().size());
  repeat_fill(out, left);
  out += text.str();
  repeat_fill(out, right);
  return rt.string(std::move(out), text.text().safe);
}

enum class Align { left, center, right };

template <Align align>
Result<Value> justify(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("str padding", arguments, {"/width", "/fillchar"}, 1));
  MANG_TRY(int64_t width, to_index(a[0], "width"));
  std::string fill = " ";
  if (given(a[1])) {
    MANG_TRY(auto text, expect_text(a[1], "str padding"));
    fill = self.text().safe && !a[1].text().safe ? escape_html(text) : std::string(text);
    if (unicode::count(fill) != 1) return fail("The fill character must be exactly one character long");
  }
  if (align == Align::center) return centered(rt, self, width, fill);
  const int64_t missing = width - static_cast<int64_t>(self.text().length());
  return pad(rt, self, align == Align::right ? missing : 0, align == Align::left ? missing : 0, fill);
}

Result<Value> zero_fill(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("zfill", arguments, {"/width"}, 1));
  MANG_TRY(int64_t width, to_index(a[0], "width"));
  const int64_t missing = width - static_cast<int64_t>(self.text().length());
  const auto text = self.str();
  const bool sign = !text.empty() && (text[0] == '+' || text[0] == '-');
  if (missing <= 0 || !sign) return pad(rt, self, missing, 0, "0");
  const Value rest = rt.string(std::string(text.substr(1)), self.text().safe);
  MANG_TRY(Value padded, pad(rt, rest, missing, 0, "0"));
  return rt.string(std::string(text.substr(0, 1)) + std::string(padded.str()), self.text().safe);
}

Result<Value> expand_tabs(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("expandtabs", arguments, {"tabsize"}, 0));
  int64_t size = 8;
  if (given(a[0])) {
    MANG_TRY(size, to_index(a[0], "tabsize"));
  }
  if (size > kMaxPadding) return fail("padding to more than {} characters is refused", kMaxPadding);
  const auto text = self.str();
  MANG_TRY(rt.letters(text.size()));
  Builder out(rt);
  int64_t column = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = unicode::decode(text, at);
    if (c == '\t') {
      const int64_t n = size > 0 ? size - column % size : 0;
      MANG_TRY(out.append(static_cast<size_t>(n), ' '));
      column += n;
      continue;
    }
    MANG_TRY(out.append(text.substr(start, at - start)));
    column = c == '\n' || c == '\r' ? 0 : column + 1;
  }
  return rt.string(out.take(), self.text().safe);
}

Result<Value> remove_prefix(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("removeprefix", arguments, {"/prefix"}, 1));
  MANG_TRY(auto prefix, expect_text(a[0], "removeprefix"));
  MANG_TRY(rt.work(self.str().size()));
  if (!self.str().starts_with(prefix)) return self;
  return rt.string(std::string(self.str().substr(prefix.size())), self.text().safe);
}

Result<Value> remove_suffix(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("removesuffix", arguments, {"/suffix"}, 1));
  MANG_TRY(auto suffix, expect_text(a[0], "removesuffix"));
  MANG_TRY(rt.work(self.str().size()));
  if (!self.str().ends_with(suffix)) return self;
  return rt.string(std::string(self.str().substr(0, self.str().size() - suffix.size())), self.text().safe);
}

Result<Value> format(Runtime& rt, const Value& self, Arguments& arguments) {
  return format_braces(rt, self, arguments);
}

Result<Value> format_map(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("format_map", arguments, {"/mapping"}, 1));
  if (!a[0].is(Kind::dict)) return fail("format_map() wants a dict, not {}", type_name(a[0]));
  Arguments mapped;
  for (const auto& [key, value] : a[0].dict().pairs) {
    MANG_TRY(rt.step());
    if (key.is(Kind::string)) mapped.named.emplace_back(std::string(key.str()), value);
  }
  return format_braces(rt, self, mapped);
}

// {code point or character: replacement}, or two texts of equal length and one of characters to delete.
Result<Value> make_trans(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("maketrans", arguments, {"/x", "/y", "/z"}, 1));
  auto table = rt.new_dict();
  const auto first_code = [](std::string_view text) {
    size_t at = 0;
    return Value::integer(static_cast<int64_t>(unicode::decode(text, at)));
  };
  if (!given(a[1])) {
    if (!a[0].is(Kind::dict)) return fail("if you give only one argument to maketrans it must be a dict");
    for (const auto& [key, value] : a[0].dict().pairs) {
      if (key.is(Kind::string) && key.text().length() != 1)
        return fail("string keys in translate table must be of length 1");
      MANG_TRY(dict_set(rt, *table, key.is(Kind::string) ? first_code(key.str()) : key, value));
    }
    return rt.dict(table);
  }
  MANG_TRY(auto from, expect_text(a[0], "maketrans"));
  MANG_TRY(auto to, expect_text(a[1], "maketrans"));
  MANG_TRY(rt.letters(from.size() + to.size()));
  if (unicode::count(from) != unicode::count(to)) {
    return fail("the first two maketrans arguments must have equal length");
  }
  for (size_t i = 0, j = 0; i < from.size();) {
    const auto x = static_cast<int64_t>(unicode::decode(from, i)), y = static_cast<int64_t>(unicode::decode(to, j));
    MANG_TRY(dict_set(rt, *table, Value::integer(x), Value::integer(y)));
  }
  if (given(a[2])) {
    MANG_TRY(auto remove, expect_text(a[2], "maketrans"));
    MANG_TRY(rt.letters(remove.size()));
    for (size_t i = 0; i < remove.size();) {
      const auto x = static_cast<int64_t>(unicode::decode(remove, i));
      MANG_TRY(dict_set(rt, *table, Value::integer(x), Value::none()));
    }
  }
  return rt.dict(table);
}

Result<Value> translate(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("translate", arguments, {"/table"}, 1));
  const auto text = self.str();
  Builder out(rt);
  for (size_t at = 0; at < text.size();) {
    MANG_TRY(rt.step());
    const size_t start = at;
    const char32_t c = unicode::decode(text, at);
    MANG_TRY(Value mapped, get_item(rt, a[0], Value::integer(static_cast<int64_t>(c))));
    if (mapped.is(Kind::undefined)) {
      MANG_TRY(out.append(text.substr(start, at - start)));
    } else if (mapped.is(Kind::string)) {
      MANG_TRY(out.append(mapped.str()));
    } else if (mapped.is_integral()) {
      if (mapped.as_int() < 0 || mapped.as_int() > 0x10FFFF)
        return fail("character mapping must be in range(0x110000)");
      std::string one;
      unicode::append(one, static_cast<char32_t>(mapped.as_int()));
      MANG_TRY(out.append(one));
    } else if (!mapped.is(Kind::none)) {
      return fail("character mapping must return integer, None or str");
    }
  }
  return rt.string(out.take(), self.text().safe);
}

Result<Value> encode(Runtime&, const Value&, Arguments&) {
  return fail("str.encode() gives bytes, which templates do not have here");
}

}  // namespace

Result<Value> centered(Runtime& rt, const Value& text, int64_t width, std::string_view fill) {
  const int64_t missing = std::max<int64_t>(width - static_cast<int64_t>(text.text().length()), 0);
  const int64_t left = missing / 2 + (missing & width & 1);
  return pad(rt, text, left, missing - left, fill);
}

}  // namespace mang::jinja::text_methods

namespace mang::jinja {

std::span<const FilterEntry> text_method_table() {
  using namespace text_methods;
  static constexpr FilterEntry table[] = {
      {"capitalize", mapped<unicode::capitalize>},
      {"casefold", mapped<unicode::casefold>},
      {"center", justify<Align::center>},
      {"count", count},
      {"encode", encode},
      {"endswith", ends_with},
      {"expandtabs", expand_tabs},
      {"find", find},
      {"format", format},
      {"format_map", format_map},
      {"index", index},
      {"isalnum", all_are<kAlnum>},
      {"isalpha", all_are<unicode::kAlpha>},
      {"isascii", is_ascii},
      {"isdecimal", all_are<unicode::kDecimal>},
      {"isdigit", all_are<unicode::kDigit>},
      {"isidentifier", is_identifier},
      {"islower", is_case<false>},
      {"isnumeric", all_are<unicode::kNumeric>},
      {"isprintable", all_are<unicode::kPrintable>},
      {"isspace", all_are<unicode::kSpace>},
      {"istitle", is_title},
      {"isupper", is_case<true>},
      {"join", join},
      {"ljust", justify<Align::left>},
      {"lower", mapped<unicode::lower>},
      {"lstrip", lstrip},
      {"maketrans", make_trans},
      {"partition", partition},
      {"removeprefix", remove_prefix},
      {"removesuffix", remove_suffix},
      {"replace", replace},
      {"rfind", rfind},
      {"rindex", rindex},
      {"rjust", justify<Align::right>},
      {"rpartition", rpartition},
      {"rsplit", rsplit},
      {"rstrip", rstrip},
      {"split", split},
      {"splitlines", split_lines},
      {"startswith", starts_with},
      {"strip", strip},
      {"swapcase", mapped<unicode::swapcase>},
      {"title", mapped<unicode::title>},
      {"translate", translate},
      {"upper", mapped<unicode::upper>},
      {"zfill", zero_fill},
  };
  return table;
}

}  // namespace mang::jinja
