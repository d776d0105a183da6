// The format specification mini-language: [[fill]align][sign][#][0][width][grouping][.precision][type].
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "jinja/formatting.h"
#include "jinja/operators.h"
#include "jinja/python_number.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

struct Spec {
  std::string fill = " ";
  char align = '\0';
  char sign = '\0';
  bool negative_zero = false;  // 'z'
  bool alternate = false;
  bool zero = false;
  int64_t width = 0;
  char grouping = '\0';
  int64_t precision = -1;
  char type = '\0';
};

Result<int64_t> read_number(std::string_view text, size_t& at, int64_t limit) {
  int64_t n = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    n = n * 10 + (text[at++] - '0');
    if (n > limit) return fail("a width or precision over {} in a format is refused", limit);
  }
  return n;
}

bool is_align(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

Result<Spec> parse_spec(std::string_view text) {
  Spec spec;
  size_t at = 0;
  size_t second = 0;
  if (!text.empty()) unicode::decode(text, second);
  if (second < text.size() && is_align(text[second])) {
    spec.fill = std::string(text.substr(0, second));
    spec.align = text[second];
    at = second + 1;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    at = 1;
  }
  const bool explicit_fill = at > 1;
  const auto take = [&](std::string_view any) {
    return at < text.size() && any.find(text[at]) != std::string_view::npos ? text[at++] : '\0';
  };
  spec.sign = take("+- ");
  spec.negative_zero = take("z") != '\0';
  spec.alternate = take("#") != '\0';
  if (!explicit_fill && take("0")) {
    spec.zero = true;
    spec.fill = "0";
    if (!spec.align) spec.align = '=';
  }
  MANG_TRY(spec.width, read_number(text, at, kMaxPadding));
  spec.grouping = take(",_");
  if (spec.grouping && take(",_")) return fail("Cannot specify both ',' and '_'.");
  if (take(".")) {
    const size_t start = at;
    MANG_TRY(spec.precision, read_number(text, at, kMaxPadding));
    if (at == start) return fail("Format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) return fail("Invalid format specifier '{}'", text);
  return spec;
}

std::string group_digits(std::string_view digits, char separator, size_t every) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % every == 0) out.push_back(separator);
    out.push_back(digits[i]);
  }
  return out;
}

Result<std::string> pad(Runtime& rt, std::string_view body, const Spec& spec, char default_align, size_t sign_size) {
  const auto size = static_cast<int64_t>(unicode::count(body));
  const int64_t missing = std::max<int64_t>(spec.width - size, 0);
  MANG_TRY(rt.work(static_cast<size_t>(missing) * spec.fill.size() + body.size()));
  const char align = spec.align ? spec.align : default_align;
  const int64_t left = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  const auto fill = [&](int64_t n) {
    std::string out;
    for (int64_t i = 0; i < n; ++i) out += spec.fill;
    return out;
  };
  if (align == '=') return std::string(body.substr(0, sign_size)) + fill(missing) + std::string(body.substr(sign_size));
  return fill(left) + std::string(body) + fill(missing - left);
}

// Lays out a number: sign and prefix, whole digits (grouped), the rest (".5", "e+10", "%").
Result<std::string> layout(Runtime& rt, const Spec& spec, bool negative, std::string_view prefix,
                           std::string_view whole, std::string_view rest) {
  std::string head = negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  head += prefix;
  std::string digits(whole);
  if (spec.grouping) {
    const size_t every = std::string_view("bBoxX").find(spec.type) != std::string_view::npos && spec.type ? 4 : 3;
    std::string grouped = group_digits(digits, spec.grouping, every);
    if (spec.fill == "0" && spec.align == '=') {
      MANG_TRY(rt.work(static_cast<size_t>(spec.width)));
      const auto target = spec.width - static_cast<int64_t>(head.size() + rest.size());
      const auto lacking = target - static_cast<int64_t>(grouped.size());
      if (lacking > 0) {
        // About every/(every+1) of what is lacking are digits; the last few are added one by one.
        digits.insert(0, static_cast<size_t>(lacking) * every / (every + 1), '0');
        grouped = group_digits(digits, spec.grouping, every);
        while (static_cast<int64_t>(grouped.size()) < target) {
          digits.insert(0, 1, '0');
          grouped = group_digits(digits, spec.grouping, every);
        }
      }
    }
    digits = std::move(grouped);
  }
  return pad(rt, head + digits + std::string(rest), spec, '>', head.size());
}

std::string digits_in_base(uint64_t value, int base, bool upper) {
  std::string out;
  do {
    const char* letters = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    out.push_back(letters[value % static_cast<uint64_t>(base)]);
    value /= static_cast<uint64_t>(base);
  } while (value != 0);
  std::reverse(out.begin(), out.end());
  return out;
}

Result<std::string> format_real_value(Runtime& rt, double d, Spec spec) {
  bool negative = std::signbit(d) && !std::isnan(d);
  double magnitude = std::fabs(d);
  if (spec.precision > kMaxPrecision) return fail("a precision over {} in a format is refused", kMaxPrecision);
  std::string body;
  std::string tail;
  char type = spec.type == 'n' ? 'g' : spec.type;
  const int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  MANG_TRY(rt.step(kStepsOfReal + static_cast<uint64_t>(precision) / 2));
  if (type == '%') {
    body = format_real(magnitude * 100, 'f', precision, spec.alternate);
    tail = "%";
  } else if (type == '\0' && spec.precision < 0) {
    body = real_repr(magnitude);
    if (spec.alternate && body.find_first_of(".n") == std::string::npos) {
      body.insert(std::min(body.find('e'), body.size()), ".");
    }
  } else if (type == '\0') {
    // As 'g', one digit earlier in scientific notation and never without a point.
    const int digits = std::max(precision, 1);
    const std::string probe = format_real(magnitude, 'e', digits - 1, false);
    const int decimal_point = std::isfinite(magnitude) ? std::atoi(probe.c_str() + probe.find('e') + 1) + 1 : 0;
    body = format_real(magnitude, 'g', digits, spec.alternate);
    if (std::isfinite(magnitude)) {
      const bool scientific = decimal_point <= -4 || decimal_point > digits - 1;
      if (scientific && body.find('e') == std::string::npos) {
        std::string mantissa = probe.substr(0, probe.find('e'));
        if (mantissa.find('.') != std::string::npos && !spec.alternate) {
          mantissa.erase(mantissa.find_last_not_of('0') + 1);
          if (mantissa.back() == '.') mantissa.pop_back();
        }
        body = mantissa + probe.substr(probe.find('e'));
      } else if (!scientific && body.find('.') == std::string::npos) {
        body += ".0";
      }
    }
  } else if (std::string_view("eEfFgG").find(type) != std::string_view::npos) {
    body = format_real(magnitude, type, precision, spec.alternate);
  } else {
    return fail("Unknown format code '{}' for object of type 'float'", spec.type);
  }
  if (spec.negative_zero && negative && body.find_first_of("123456789in") == std::string::npos) negative = false;
  const size_t split = std::min(body.find_first_not_of("0123456789"), body.size());
  const bool finite = std::isfinite(magnitude);
  if (!finite && spec.zero) spec.grouping = '\0';
  return layout(rt, spec, negative, "", finite ? std::string_view(body).substr(0, split) : std::string_view(),
                (finite ? body.substr(split) : body) + tail);
}

Result<std::string> format_integer_value(Runtime& rt, const Value& value, const Spec& spec) {
  const char type = spec.type ? spec.type : 'd';
  if (std::string_view("eEfFgG%").find(type) != std::string_view::npos) {
    const double d = value.is(Kind::big) ? value.big().approximate() : static_cast<double>(value.as_int());
    return format_real_value(rt, d, spec);
  }
  if (std::string_view("bcdoxXn").find(type) == std::string_view::npos) {
    return fail("Unknown format code '{}' for object of type 'int'", type);
  }
  if (spec.precision >= 0) return fail("Precision not allowed in integer format specifier");
  if (value.is(Kind::big)) {
    if (type != 'd' && type != 'n') return fail("the integer {} does not fit 64 bits", value.big().decimal());
    return layout(rt, spec, value.big().negative, "", value.big().digits, "");
  }
  const int64_t i = value.as_int();
  if (type == 'c') {
    if (spec.sign || spec.alternate)
      return fail("Sign and alternate form not allowed with integer format specifier 'c'");
    if (i < 0 || i > 0x10FFFF) return fail("%c arg not in range(0x110000)");
    std::string out;
    unicode::append(out, static_cast<char32_t>(i));
    return pad(rt, out, spec, '>', 0);
  }
  const int base = type == 'b' ? 2 : type == 'o' ? 8 : (type | 0x20) == 'x' ? 16 : 10;
  if (spec.grouping == ',' && base != 10) return fail("Cannot specify ',' with '{}'.", type);
  if (spec.grouping && type == 'n') return fail("Cannot specify '{}' with 'n'.", spec.grouping);
  const uint64_t magnitude = i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i);
  std::string prefix;
  if (spec.alternate && base != 10) prefix = std::string("0") + type;
  return layout(rt, spec, i < 0, prefix, digits_in_base(magnitude, base, type == 'X'), "");
}

Result<std::string> format_text_value(Runtime& rt, std::string_view text, const Spec& spec) {
  if (spec.type && spec.type != 's') return fail("Unknown format code '{}' for object of type 'str'", spec.type);
  if (spec.sign) return fail("Sign not allowed in string format specifier");
  if (spec.alternate) return fail("Alternate form (#) not allowed in string format specifier");
  if (spec.grouping) return fail("Cannot specify '{}' with 's'.", spec.grouping);
  if (spec.align == '=' && !spec.zero) return fail("'=' alignment not allowed in string format specifier");
  Spec plain = spec;
  if (plain.zero && plain.align == '=') plain.align = '<';
  if (spec.precision >= 0) text = text.substr(0, unicode::offset_of(text, static_cast<size_t>(spec.precision)));
  return pad(rt, text, plain, '<', 0);
}

}  // namespace

std::string format_real(double magnitude, char letter, int precision, bool alternate) {
  const bool upper = letter >= 'A' && letter <= 'Z';
  if (!std::isfinite(magnitude)) return std::isnan(magnitude) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
  const char format[] = {
      '%', alternate ? '#' : '.', alternate ? '.' : '*', alternate ? '*' : letter, alternate ? letter : '\0', '\0'};
  const int size = std::snprintf(nullptr, 0, format, precision, magnitude);
  std::string out(static_cast<size_t>(size), '\0');
  std::snprintf(out.data(), out.size() + 1, format, precision, magnitude);
  return out;
}

Result<std::string> format_value(Runtime& rt, const Value& value, std::string_view spec_text) {
  if (spec_text.empty()) return str_of(rt, value);
  if (value.is(Kind::string)) {
    MANG_TRY(Spec spec, parse_spec(spec_text));
    return format_text_value(rt, value.str(), spec);
  }
  if (value.is_number()) {
    MANG_TRY(Spec spec, parse_spec(spec_text));
    if (value.is(Kind::real)) return format_real_value(rt, value.as_real(), spec);
    return format_integer_value(rt, value, spec);
  }
  return fail("unsupported format string passed to {}.__format__", type_name(value));
}

}  // namespace mang::jinja
