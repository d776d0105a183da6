// tojson: json.dumps as transformers calls it.
#include <cmath>

#include "jinja/operators.h"
#include "jinja/python_number.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& rt, const JsonStyle& style) : rt_(rt), style_(style), out_(rt) {}

  Result<std::string> run(const Value& value) {
    MANG_TRY(write(value, 0));
    return out_.take();
  }

 private:
  Result<void> write(const Value& value, int level) {
    MANG_TRY(rt_.step());
    const DepthGuard depth(rt_);
    MANG_TRY(depth.check());
    switch (value.kind()) {
      case Kind::string:
        return write_string(value.str());
      case Kind::list:
      case Kind::tuple:
        return write_list(value.items(), level);
      case Kind::dict:
        return write_dict(value.dict(), level);
      default: {
        const auto text = scalar(value);
        if (!text) return fail("Object of type {} is not JSON serializable", type_name(value));
        return out_.append(*text);
      }
    }
  }

  static std::optional<std::string> scalar(const Value& value) {
    switch (value.kind()) {
      case Kind::none:
        return "null";
      case Kind::boolean:
        return value.as_bool() ? "true" : "false";
      case Kind::integer:
      case Kind::big:
        return integer_repr(value);
      case Kind::real:
        if (std::isnan(value.as_real())) return "NaN";
        if (std::isinf(value.as_real())) return value.as_real() < 0 ? "-Infinity" : "Infinity";
        return real_repr(value.as_real());
      default:
        return std::nullopt;
    }
  }

  Result<void> new_line(int level) {
    if (!style_.indent) return {};
    MANG_TRY(out_.append("\n"));
    for (int i = 0; i < level; ++i) MANG_TRY(out_.append(*style_.indent));
    return {};
  }

  Result<void> write_list(const std::vector<Value>& items, int level) {
    if (items.empty()) return out_.append("[]");
    MANG_TRY(out_.append("["));
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) MANG_TRY(out_.append(style_.item_separator));
      MANG_TRY(new_line(level + 1));
      MANG_TRY(write(items[i], level + 1));
    }
    MANG_TRY(new_line(level));
    return out_.append("]");
  }

  Result<void> write_dict(const Dict& dict, int level) {
    if (dict.pairs.empty()) return out_.append("{}");
    std::vector<size_t> order(dict.pairs.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (style_.sort_keys) {
      std::vector<Value> keys;
      for (const auto& [key, value] : dict.pairs) keys.push_back(key);
      MANG_TRY(order, sorted_order(rt_, keys, false));
    }
    MANG_TRY(out_.append("{"));
    bool first = true;
    for (const size_t i : order) {
      const auto& [key, value] = dict.pairs[i];
      if (!first) MANG_TRY(out_.append(style_.item_separator));
      first = false;
      MANG_TRY(new_line(level + 1));
      MANG_TRY(write_key(key));
      MANG_TRY(out_.append(style_.key_separator));
      MANG_TRY(write(value, level + 1));
    }
    MANG_TRY(new_line(level));
    return out_.append("}");
  }

  Result<void> write_key(const Value& key) {
    if (key.is(Kind::string)) return write_string(key.str());
    const auto text = scalar(key);
    if (!text) return fail("keys must be str, int, float, bool or None, not {}", type_name(key));
    return write_string(*text);
  }

  Result<void> write_string(std::string_view text) {
    MANG_TRY(rt_.work(text.size() + 2));
    std::string piece = "\"";
    for (size_t at = 0; at < text.size();) {
      const size_t start = at;
      const char32_t c = unicode::decode(text, at);
      if (c == '"' || c == '\\') {
        piece.push_back('\\');
        piece.push_back(static_cast<char>(c));
      } else if (const size_t place = std::string_view("\n\r\t\f\b").find(static_cast<char>(c));
                 c < 0x20 && place != std::string_view::npos) {
        piece.push_back('\\');
        piece.push_back("nrtfb"[place]);
      } else if (c < 0x20 || (style_.ascii && c > 0x7E)) {
        write_escape(piece, c);
      } else {
        piece.append(text.substr(start, at - start));
      }
      if (piece.size() > 4096) {
        MANG_TRY(out_.append(piece));
        piece.clear();
      }
    }
    piece.push_back('"');
    return out_.append(piece);
  }

  static void write_escape(std::string& out, char32_t c) {
    if (c > 0xFFFF) {
      const uint32_t v = static_cast<uint32_t>(c) - 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (v >> 10), 0xDC00 + (v & 0x3FF));
    } else {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    }
  }

  Runtime& rt_;
  const JsonStyle& style_;
  Builder out_;
};

}  // namespace

Result<std::string> dump_value(Runtime& rt, const Value& value, const JsonStyle& style) {
  return JsonWriter(rt, style).run(value);
}

}  // namespace mang::jinja
