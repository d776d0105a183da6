// Filters about markup, URLs, JSON, and those that look at values as a whole.
#include "jinja/bind.h"
#include "jinja/html.h"
#include "jinja/method_tables.h"
#include "jinja/python_number.h"
#include "jinja/text_wrap.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

Result<Value> escape(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("escape", arguments));
  return escape_value(rt, self);
}

Result<Value> force_escape(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("forceescape", arguments));
  MANG_TRY(std::string text, str_of(rt, self));
  MANG_TRY(rt.work(text.size() * 5));
  return rt.string(escape_html(text), true);
}

Result<Value> safe(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("safe", arguments));
  MANG_TRY(std::string text, str_of(rt, self));
  return rt.string(std::move(text), true);
}

Result<Value> strip_tags(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("striptags", arguments));
  MANG_TRY(std::string text, str_of(rt, self));
  MANG_TRY(rt.work(text.size() * 4));
  MANG_TRY(rt.letters(text.size()));
  return rt.string(strip_html_tags(text));
}

std::string quote_url(std::string_view text, bool query) {
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(b) && b < 0x80;
    if (plain || (c != '\0' && std::string_view("_.-~").find(c) != std::string_view::npos) || (c == '/' && !query)) {
      out.push_back(c);
    } else if (c == ' ' && query) {
      out.push_back('+');
    } else {
      out += fmt::format("%{:02X}", b);
    }
  }
  return out;
}

Result<Value> url_encode(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("urlencode", arguments));
  if (self.is(Kind::string) || !is_iterable(self)) {
    MANG_TRY(std::string text, str_of(rt, self));
    MANG_TRY(rt.work(text.size() * 3));
    return rt.string(quote_url(text, false));
  }
  Value pairs = self;
  if (self.is(Kind::dict)) {
    pairs = Runtime::opaque(rt.make<DictView>(Ref<Dict>(const_cast<Dict*>(&self.dict())), DictView::Part::items));
  }
  MANG_TRY(auto it, iterate(rt, pairs));
  Builder out(rt);
  for (bool first = true;; first = false) {
    MANG_TRY(auto pair, it->next(rt));
    if (!pair) break;
    MANG_TRY(auto parts, to_vector(rt, *pair));
    if (parts.size() != 2) return fail("urlencode wants pairs of a key and a value");
    MANG_TRY(std::string key, str_of(rt, parts[0]));
    MANG_TRY(std::string value, str_of(rt, parts[1]));
    if (!first) MANG_TRY(out.append("&"));
    MANG_TRY(out.append(quote_url(key, true)));
    MANG_TRY(out.append("="));
    MANG_TRY(out.append(quote_url(value, true)));
  }
  return rt.string(out.take());
}

Result<Value> xml_attributes(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("xmlattr", arguments, {"autospace"}, 0));
  MANG_TRY(bool space, truth_or(rt, a[0], true));
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (!self.is(Kind::dict)) return fail("'{}' object has no attribute 'items'", type_name(self));
  Builder out(rt);
  bool first = true;
  for (const auto& [key, value] : self.dict().pairs) {
    if (value.is(Kind::none) || value.is(Kind::undefined)) continue;
    if (!key.is(Kind::string)) return fail("expected string or bytes-like object, got '{}'", type_name(key));
    if (key.str().find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos) {
      return fail("Invalid character in attribute name: {}", string_repr(key.str()));
    }
    MANG_TRY(Value name, escape_value(rt, key));
    MANG_TRY(Value content, escape_value(rt, value));
    if (!first || space) MANG_TRY(out.append(" "));
    first = false;
    MANG_TRY(out.append(name.str()));
    MANG_TRY(out.append("=\""));
    MANG_TRY(out.append(content.str()));
    MANG_TRY(out.append("\""));
  }
  return rt.string(out.take(), rt.autoescape);
}

Result<Value> urlize(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<5>("urlize", arguments, {"trim_url_limit", "nofollow", "target", "rel", "extra_schemes"}, 0));
  UrlizeOptions options;
  if (present(a[0])) {
    MANG_TRY(options.trim_limit, to_index(a[0], "trim_url_limit"));
  }
  MANG_TRY(options.nofollow, truth_or(rt, a[1], false));
  if (present(a[2])) {
    MANG_TRY(options.target, str_of(rt, a[2]));
  }
  if (present(a[3])) {
    MANG_TRY(options.rel, str_of(rt, a[3]));
  }
  if (present(a[4])) {
    MANG_TRY(auto schemes, to_vector(rt, a[4]));
    for (const Value& scheme : schemes) {
      MANG_TRY(std::string text, str_of(rt, scheme));
      options.extra_schemes.push_back(std::move(text));
    }
  }
  MANG_TRY(Value escaped, escape_value(rt, self));
  MANG_TRY(rt.letters(escaped.str().size() * 3));
  MANG_TRY(rt.work(escaped.str().size() * 4));
  MANG_TRY(std::string out, urlize_html(escaped.str(), options));
  MANG_TRY(rt.work(out.size()));
  return rt.string(std::move(out), rt.autoescape);
}

Result<JsonStyle> json_style(Runtime& rt, Arguments& arguments) {
  MANG_TRY(auto a, bind<4>("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}, 0));
  JsonStyle style;
  MANG_TRY(style.ascii, truth_or(rt, a[0], false));
  if (a[1].is(Kind::string)) {
    style.indent = std::string(a[1].str());
  } else if (present(a[1])) {
    MANG_TRY(int64_t width, to_index(a[1], "indent"));
    if (width > 1000) return fail("an indent of more than 1000 is refused");
    style.indent = std::string(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (present(a[2])) {
    MANG_TRY(auto pair, to_vector(rt, a[2]));
    if (pair.size() != 2 || !pair[0].is(Kind::string) || !pair[1].is(Kind::string)) {
      return fail("separators wants a pair of strings");
    }
    style.item_separator = pair[0].str();
    style.key_separator = pair[1].str();
  }
  MANG_TRY(style.sort_keys, truth_or(rt, a[3], false));
  return style;
}

Result<Value> to_json(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto style, json_style(rt, arguments));
  MANG_TRY(std::string text, dump_value(rt, self, style));
  return rt.string(std::move(text));
}

Result<Value> pretty(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("pprint", arguments));
  MANG_TRY(std::string text, pretty_print(rt, self));
  return rt.string(std::move(text));
}

Result<Value> word_wrap(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<4>("wordwrap", arguments, {"width", "break_long_words", "wrapstring", "break_on_hyphens"}, 0));
  int64_t width = 79;
  if (given(a[0])) {
    MANG_TRY(width, to_index(a[0], "width"));
  }
  MANG_TRY(bool break_words, truth_or(rt, a[1], true));
  MANG_TRY(bool break_hyphens, truth_or(rt, a[3], true));
  std::string between = "\n";
  if (present(a[2])) {
    MANG_TRY(auto text, expect_text(a[2], "wordwrap"));
    between = text;
  }
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (!self.is(Kind::string)) return fail("'{}' object has no attribute 'splitlines'", type_name(self));
  MANG_TRY(std::string out, wrap_text(rt, self.str(), {width, break_words, break_hyphens, between}));
  return rt.string(std::move(out));
}

Result<Value> default_value(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("default", arguments, {"default_value", "boolean"}, 0));
  MANG_TRY(bool by_truth, truth_or(rt, a[1], false));
  bool replace = self.is(Kind::undefined);
  if (!replace && by_truth) {
    MANG_TRY(bool value, truth(rt, self));
    replace = !value;
  }
  if (!replace) return self;
  return given(a[0]) ? a[0] : rt.string("");
}

Result<Value> attribute(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("attr", arguments, {"name"}, 1));
  MANG_TRY(auto name, expect_text(a[0], "attr"));
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (is_unsafe_attribute(self, name)) return get_attribute(rt, self, name);
  MANG_TRY(auto value, real_attribute(rt, self, name));
  if (value) return *value;
  return rt.undefined(fmt::format("'{}' has no attribute '{}'", object_name(self), name));
}

}  // namespace

std::span<const FilterEntry> markup_filter_table() {
  static constexpr FilterEntry table[] = {
      {"attr", attribute},       {"d", default_value},          {"default", default_value}, {"e", escape},
      {"escape", escape},        {"forceescape", force_escape}, {"pprint", pretty},         {"safe", safe},
      {"striptags", strip_tags}, {"tojson", to_json},           {"urlencode", url_encode},  {"urlize", urlize},
      {"wordwrap", word_wrap},   {"xmlattr", xml_attributes},
  };
  return table;
}

const FilterEntry* find_filter(std::string_view name) {
  for (const auto table : {text_filter_table(), markup_filter_table(), number_filter_table(), sequence_filter_table(),
                           order_filter_table()}) {
    if (const FilterEntry* entry = find_entry(table, name)) return entry;
  }
  return nullptr;
}

}  // namespace mang::jinja
