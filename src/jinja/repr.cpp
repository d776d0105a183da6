// str(), repr() and HTML escaping.
#include "jinja/operators.h"
#include "jinja/python_number.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

Result<void> append_sequence(Runtime& rt, Builder& out, const Value& value) {
  const bool tuple = value.is(Kind::tuple);
  const auto& items = value.items();
  MANG_TRY(out.append(tuple ? "(" : "["));
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) MANG_TRY(out.append(", "));
    MANG_TRY(append_repr(rt, out, items[i]));
  }
  if (tuple && items.size() == 1) MANG_TRY(out.append(","));
  return out.append(tuple ? ")" : "]");
}

Result<void> append_dict(Runtime& rt, Builder& out, const Dict& dict) {
  MANG_TRY(out.append("{"));
  bool first = true;
  for (const auto& [key, value] : dict.pairs) {
    if (!first) MANG_TRY(out.append(", "));
    first = false;
    MANG_TRY(append_repr(rt, out, key));
    MANG_TRY(out.append(": "));
    MANG_TRY(append_repr(rt, out, value));
  }
  return out.append("}");
}

}  // namespace

void append_string_repr(std::string& out, std::string_view text) {
  const bool double_quotes = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  out.push_back(quote);
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = unicode::decode(text, at);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (c == ' ' || (c > 0x20 && c < 0x7F) || unicode::has(c, unicode::kPrintable)) {
      out.append(text.substr(start, at - start));
    } else if (c < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
  }
  out.push_back(quote);
}

std::string string_repr(std::string_view text) {
  std::string out;
  append_string_repr(out, text);
  return out;
}

Result<void> append_repr(Runtime& rt, Builder& out, const Value& value) {
  MANG_TRY(rt.step());
  const DepthGuard depth(rt);
  MANG_TRY(depth.check());
  switch (value.kind()) {
    case Kind::missing:
    case Kind::undefined:
      return out.append("Undefined");
    case Kind::none:
      return out.append("None");
    case Kind::boolean:
      return out.append(value.as_bool() ? "True" : "False");
    case Kind::integer:
    case Kind::big:
      return out.append(integer_repr(value));
    case Kind::real:
      return out.append(real_repr(value.as_real()));
    case Kind::string: {
      MANG_TRY(rt.work(value.str().size() * 2));
      const std::string quoted = string_repr(value.str());
      if (!value.text().safe) return out.append(quoted);
      MANG_TRY(out.append("Markup("));
      MANG_TRY(out.append(quoted));
      return out.append(")");
    }
    case Kind::list:
    case Kind::tuple:
      return append_sequence(rt, out, value);
    case Kind::dict:
      return append_dict(rt, out, value.dict());
    case Kind::opaque: {
      MANG_TRY(std::string text, value.opaque().repr(rt));
      return out.append(text);
    }
  }
  return {};
}

Result<void> append_str(Runtime& rt, Builder& out, const Value& value) {
  if (value.is(Kind::string)) return out.append(value.str());
  if (value.is(Kind::undefined)) return {};
  return append_repr(rt, out, value);
}

Result<std::string> str_of(Runtime& rt, const Value& value) {
  if (value.is(Kind::string)) {
    MANG_TRY(rt.work(value.str().size()));
    return std::string(value.str());
  }
  Builder out(rt);
  MANG_TRY(append_str(rt, out, value));
  return out.take();
}

Result<std::string> repr_of(Runtime& rt, const Value& value) {
  Builder out(rt);
  MANG_TRY(append_repr(rt, out, value));
  return out.take();
}

Result<Value> to_string_value(Runtime& rt, const Value& value) {
  if (value.is(Kind::string)) return value;
  MANG_TRY(std::string text, str_of(rt, value));
  return rt.string(std::move(text));
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

Result<Value> escape_value(Runtime& rt, const Value& value) {
  if (value.is(Kind::string) && value.text().safe) return value;
  MANG_TRY(std::string text, str_of(rt, value));
  MANG_TRY(rt.work(text.size() * 5));
  return rt.string(escape_html(text), true);
}

}  // namespace mang::jinja
