#include "jinja/python_number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "jinja/object.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

// Whitespace off the ends; other decimal digits of Unicode become ASCII, as int() and float() read them.
std::string to_ascii_digits(std::string_view text) {
  std::string out;
  const std::string_view trimmed = unicode::strip(text, true, true);
  for (size_t at = 0; at < trimmed.size();) {
    const char32_t c = unicode::decode(trimmed, at);
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (unicode::has(c, unicode::kDecimal)) {
      out.push_back(static_cast<char>('0' + unicode::decimal_value(c)));
    } else {
      out.push_back('?');
    }
  }
  return out;
}

// Removes underscores that stand between digits; false when one stands elsewhere.
bool drop_underscores(std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    if (i == 0 || i + 1 == text.size() || !std::isalnum(static_cast<unsigned char>(text[i - 1])) ||
        !std::isalnum(static_cast<unsigned char>(text[i + 1]))) {
      return false;
    }
  }
  std::erase(text, '_');
  return true;
}

}  // namespace

std::string real_repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), d, std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  std::string out = text[0] == '-' ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    out += fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
    return out;
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string integer_repr(const Value& value) {
  return value.is(Kind::big) ? value.big().decimal() : std::to_string(value.as_int());
}

Value integer_from_decimal(bool negative, std::string_view digits) {
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  const std::string text = (negative ? "-" : "") + std::string(digits);
  int64_t small = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), small);
  if (status == std::errc()) return Value::integer(small);
  return Value::from_object(Kind::big, new Big(negative, std::string(digits)));
}

Result<std::optional<Value>> parse_integer(std::string_view input, int base) {
  const std::optional<Value> none;
  if (base != 0 && (base < 2 || base > 36)) return fail("int() base must be >= 2 and <= 36, or 0");
  std::string text = to_ascii_digits(input);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.erase(0, 1);
  }
  if (text.size() > 1 && text[0] == '0' && text[1] > '9') {
    const char letter = static_cast<char>(text[1] | 0x20);
    const int prefix = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (prefix != 0 && (base == 0 || base == prefix)) {
      base = prefix;
      text.erase(0, text.size() > 2 && text[2] == '_' ? 3 : 2);
    }
  }
  if (text.empty() || !drop_underscores(text)) return none;
  if (base == 0) {
    if (text[0] == '0' && text.find_first_not_of('0') != std::string::npos) return none;
    base = 10;
  }
  const auto value_of = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
  };
  if (!std::all_of(text.begin(), text.end(), [&](char c) { return value_of(c) < base; })) return none;
  if (text.size() > 4300) return fail("an integer of {} digits is too long", text.size());
  if (base == 10) return std::optional<Value>(integer_from_decimal(negative, text));
  int64_t value = 0;
  const std::string whole = (negative ? "-" : "") + text;
  const auto [end, status] = std::from_chars(whole.data(), whole.data() + whole.size(), value, base);
  if (status != std::errc()) return fail("the integer '{}' does not fit 64 bits", whole);
  return std::optional<Value>(Value::integer(value));
}

std::optional<double> parse_real(std::string_view input) {
  std::string text = to_ascii_digits(input);
  if (text.empty()) return std::nullopt;
  // Underscores only between digits; strtod's hexadecimal and "nan(…)" are not Python's.
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && (i == 0 || i + 1 == text.size() || !std::isdigit(static_cast<unsigned char>(text[i - 1])) ||
                           !std::isdigit(static_cast<unsigned char>(text[i + 1])))) {
      return std::nullopt;
    }
  }
  std::erase(text, '_');
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::string_view bare = std::string_view(lower).substr(lower[0] == '-' || lower[0] == '+' ? 1 : 0);
  const bool word = bare == "inf" || bare == "infinity" || bare == "nan";
  if (!word && lower.find_first_not_of("0123456789+-.e") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double d = std::strtod(lower.c_str(), &end);
  if (end != lower.c_str() + lower.size()) return std::nullopt;
  return d;
}

Result<Value> real_to_integer(double d) {
  if (std::isnan(d)) return fail("cannot convert float NaN to integer");
  if (std::isinf(d)) return fail("cannot convert float infinity to integer");
  const double whole = std::trunc(d);
  if (whole >= -9223372036854775808.0 && whole < 9223372036854775808.0) {
    return Value::integer(static_cast<int64_t>(whole));
  }
  std::array<char, 400> buffer;
  const int n = std::snprintf(buffer.data(), buffer.size(), "%.0f", std::fabs(whole));
  return integer_from_decimal(d < 0, std::string_view(buffer.data(), static_cast<size_t>(n)));
}

double round_real(double d, int64_t digits) {
  if (!std::isfinite(d) || digits > 323) return d;
  if (digits < -308) return std::copysign(0.0, d);
  std::array<char, 800> buffer;
  if (digits >= 0) {  // printf rounds the exact binary value correctly, ties to even
    std::snprintf(buffer.data(), buffer.size(), "%.*f", static_cast<int>(digits), d);
    return std::strtod(buffer.data(), nullptr);
  }
  // A rounding left of the point: through scientific notation with as many digits as remain.
  const int magnitude = d == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::fabs(d))));
  const int64_t kept = magnitude + digits;
  if (kept < -1) return std::copysign(0.0, d);
  if (kept == -1) {
    const double unit = std::strtod(fmt::format("1e{}", -digits).c_str(), nullptr);
    return std::copysign(std::fabs(d) * 2 > unit ? unit : 0.0, d);
  }
  std::snprintf(buffer.data(), buffer.size(), "%.*e", static_cast<int>(kept), d);
  return std::strtod(buffer.data(), nullptr);
}

}  // namespace mang::jinja
