// "…{}…".format(…), with the sandbox's lookups for {x.attribute} and {x[item]}.
#include <algorithm>

#include "jinja/formatting.h"
#include "jinja/operators.h"

namespace mang::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Runtime& rt, bool safe, const Arguments& arguments) : rt_(rt), safe_(safe), arguments_(arguments) {}

  Result<std::string> run(std::string_view format, int levels) {
    if (levels < 0) return fail("Max string recursion exceeded");
    Builder out(rt_);
    for (size_t at = 0; at < format.size();) {
      const size_t brace = format.find_first_of("{}", at);
      MANG_TRY(out.append(format.substr(at, brace - at)));
      if (brace == std::string_view::npos) break;
      at = brace + 1;
      if (at < format.size() && format[at] == format[brace]) {
        MANG_TRY(out.append(format.substr(at++, 1)));
        continue;
      }
      if (format[brace] == '}') return fail("Single '}}' encountered in format string");
      MANG_TRY(std::string field, replace(format, at, levels));
      MANG_TRY(out.append(field));
    }
    return out.take();
  }

 private:
  // One replacement field; `at` stands behind its brace and moves behind the closing one.
  Result<std::string> replace(std::string_view format, size_t& at, int levels) {
    MANG_TRY(rt_.step());
    const size_t start = at;
    if (at >= format.size()) return fail("Single '{{' encountered in format string");
    bool in_item = false;
    while (at < format.size()) {
      const char c = format[at];
      if (c == '[') in_item = true;
      if (c == ']') in_item = false;
      if (c == '{') return fail("unexpected '{{' in field name");
      if (!in_item && (c == '!' || c == ':' || c == '}')) break;
      ++at;
    }
    const std::string_view name = format.substr(start, at - start);
    char conversion = '\0';
    if (at < format.size() && format[at] == '!') {
      if (at + 1 >= format.size()) return fail("end of string while looking for conversion specifier");
      conversion = format[at + 1];
      at += 2;
      if (at < format.size() && format[at] != ':' && format[at] != '}') {
        return fail("expected ':' after conversion specifier");
      }
    }
    std::string_view spec;
    if (at < format.size() && format[at] == ':') {
      const size_t spec_start = ++at;
      for (int depth = 1; at < format.size(); ++at) {
        depth += format[at] == '{' ? 1 : format[at] == '}' ? -1 : 0;
        if (depth == 0) break;
      }
      spec = format.substr(spec_start, at - spec_start);
    }
    if (at >= format.size()) return fail("expected '}}' before end of string");
    ++at;
    MANG_TRY(Value value, field(name));
    MANG_TRY(value, convert(value, conversion));
    MANG_TRY(std::string inner_spec, run(spec, levels - 1));
    MANG_TRY(std::string text, format_value(rt_, value, inner_spec));
    if (!safe_) return text;
    return value.is(Kind::string) && value.text().safe ? text : escape_html(text);
  }

  Result<Value> convert(const Value& value, char conversion) {
    switch (conversion) {
      case '\0':
        return value;
      case 's': {
        MANG_TRY(std::string text, str_of(rt_, value));
        return rt_.string(std::move(text));
      }
      case 'r':
      case 'a': {
        MANG_TRY(std::string text, repr_of(rt_, value));
        return rt_.string(std::move(text));
      }
      default:
        return fail("Unknown conversion specifier {}", conversion);
    }
  }

  static bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  Result<Value> first(std::string_view name) {
    if (name.empty() || is_number(name)) {
      if (name.empty() ? manual_ : next_ > 0) {
        return fail("cannot switch between manual field specification and automatic field numbering");
      }
      if (!name.empty()) manual_ = true;
      const size_t index = name.empty() ? next_++ : static_cast<size_t>(std::stoul(std::string(name)));
      if (index >= arguments_.positional.size()) {
        return fail("Replacement index {} out of range for positional args tuple", index);
      }
      return arguments_.positional[index];
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) return value;
    }
    return fail("the format's key '{}' is not among the arguments", name);
  }

  Result<Value> field(std::string_view name) {
    size_t end = std::min(name.find_first_of(".["), name.size());
    MANG_TRY(Value value, first(name.substr(0, end)));
    while (end < name.size()) {
      if (name[end] == '.') {
        const size_t stop = std::min(name.find_first_of(".[", end + 1), name.size());
        const auto attribute = name.substr(end + 1, stop - end - 1);
        if (attribute.empty()) return fail("Empty attribute in format string");
        MANG_TRY(value, get_attribute(rt_, value, attribute));
        end = stop;
      } else if (name[end] == '[') {
        const size_t stop = name.find(']', end);
        if (stop == std::string_view::npos) return fail("Missing ']' in format string");
        const auto key = name.substr(end + 1, stop - end - 1);
        if (key.empty()) return fail("Empty attribute in format string");
        const Value item = is_number(key) ? Value::integer(std::stoll(std::string(key))) : rt_.string(std::string(key));
        MANG_TRY(value, get_item(rt_, value, item));
        end = stop + 1;
      } else {
        return fail("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  Runtime& rt_;
  bool safe_;
  const Arguments& arguments_;
  size_t next_ = 0;
  bool manual_ = false;
};

}  // namespace

Result<Value> format_braces(Runtime& rt, const Value& format, const Arguments& arguments) {
  const bool safe = format.text().safe;
  MANG_TRY(std::string text, BraceFormatter(rt, safe, arguments).run(format.str(), 2));
  return rt.string(std::move(text), safe);
}

}  // namespace mang::jinja
