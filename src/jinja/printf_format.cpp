// "format" % arguments.
#include <algorithm>
#include <cmath>

#include "jinja/formatting.h"
#include "jinja/operators.h"
#include "jinja/python_number.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

struct Directive {
  bool left = false, plus = false, space = false, alternate = false, zero = false;
  int64_t width = 0;
  int64_t precision = -1;
  char letter = '\0';
};

class PrintfFormatter {
 public:
  PrintfFormatter(Runtime& rt, const Value& format, const Value& arguments)
      : rt_(rt), format_(format.str()), safe_(format.text().safe), arguments_(arguments), out_(rt) {}

  Result<Value> run() {
    while (at_ < format_.size()) {
      const size_t percent = format_.find('%', at_);
      MANG_TRY(out_.append(format_.substr(at_, percent - at_)));
      if (percent == std::string_view::npos) break;
      at_ = percent + 1;
      MANG_TRY(one());
    }
    const bool mapping = arguments_.is(Kind::dict) || arguments_.is(Kind::list) || arguments_.is(Kind::undefined);
    const bool all_used = arguments_.is(Kind::tuple) ? used_ >= arguments_.items().size() : (used_ > 0 || mapping);
    if (!all_used) return fail("not all arguments converted during string formatting");
    return rt_.string(out_.take(), safe_);
  }

 private:
  Result<Value> next_argument() {
    if (arguments_.is(Kind::tuple)) {
      if (used_ >= arguments_.items().size()) return fail("not enough arguments for format string");
      return arguments_.items()[used_++];
    }
    if (used_ > 0) return fail("not enough arguments for format string");
    used_ = 1;
    return arguments_;
  }

  Result<int64_t> number_or_star() {
    if (at_ < format_.size() && format_[at_] == '*') {
      ++at_;
      MANG_TRY(Value value, next_argument());
      if (!value.is_integral()) return fail("* wants int");
      if (std::abs(value.as_int()) > kMaxPadding) return fail("a width or precision over {} is refused", kMaxPadding);
      return value.as_int();
    }
    int64_t n = 0;
    while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9') {
      n = n * 10 + (format_[at_++] - '0');
      if (n > kMaxPadding) return fail("a width or precision over {} is refused", kMaxPadding);
    }
    return n;
  }

  // The key of "%(key)s": brackets inside it balance.
  Result<Value> mapped_argument() {
    if (!arguments_.is(Kind::dict)) return fail("format requires a mapping");
    const size_t start = ++at_;
    int depth = 1;
    for (; at_ < format_.size(); ++at_) {
      depth += format_[at_] == '(' ? 1 : format_[at_] == ')' ? -1 : 0;
      if (depth == 0) break;
    }
    if (depth != 0) return fail("incomplete format key");
    const auto key = format_.substr(start, at_ - start);
    ++at_;
    const Value* value = arguments_.dict().find(key);
    if (!value) return fail("the format's key '{}' is not in the mapping", key);
    return *value;
  }

  Result<void> one() {
    std::optional<Value> mapped;
    if (at_ < format_.size() && format_[at_] == '(') {
      MANG_TRY(mapped, mapped_argument());
    }
    Directive d;
    for (; at_ < format_.size(); ++at_) {
      const char c = format_[at_];
      bool* flag = c == '-'   ? &d.left
                   : c == '+' ? &d.plus
                   : c == ' ' ? &d.space
                   : c == '#' ? &d.alternate
                   : c == '0' ? &d.zero
                              : nullptr;
      if (!flag) break;
      *flag = true;
    }
    MANG_TRY(d.width, number_or_star());
    if (d.width < 0) {
      d.left = true;
      d.width = -d.width;
    }
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      MANG_TRY(d.precision, number_or_star());
      d.precision = std::max<int64_t>(d.precision, 0);
    }
    if (at_ < format_.size() && std::string_view("hlL").find(format_[at_]) != std::string_view::npos) ++at_;
    if (at_ >= format_.size()) return fail("incomplete format");
    d.letter = format_[at_++];
    if (d.letter == '%') return out_.append("%");
    Value value;
    if (mapped) {
      value = *mapped;
    } else {
      MANG_TRY(value, next_argument());
    }
    return convert(d, value);
  }

  Result<void> convert(const Directive& d, const Value& value) {
    switch (d.letter) {
      case 's':
      case 'r':
      case 'a':
        return text(d, value);
      case 'c':
        return character(d, value);
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        return integer(d, value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return real(d, value);
      default:
        return fail("unsupported format character '{}'", d.letter);
    }
  }

  Result<void> text(const Directive& d, const Value& value) {
    std::string body;
    if (d.letter == 's') {
      MANG_TRY(body, str_of(rt_, value));
    } else {
      MANG_TRY(body, repr_of(rt_, value));
    }
    if (safe_ && !(d.letter == 's' && value.is(Kind::string) && value.text().safe)) body = escape_html(body);
    if (d.precision >= 0) body.resize(unicode::offset_of(body, static_cast<size_t>(d.precision)));
    return padded(d, "", body, false);
  }

  Result<void> character(const Directive& d, const Value& value) {
    std::string body;
    if (value.is_integral()) {
      if (value.as_int() < 0 || value.as_int() > 0x10FFFF) return fail("%c arg not in range(0x110000)");
      unicode::append(body, static_cast<char32_t>(value.as_int()));
    } else if (value.is(Kind::string) && value.text().length() == 1) {
      body = value.str();
    } else {
      return fail("%c requires int or char");
    }
    return padded(d, "", body, false);
  }

  Result<void> integer(const Directive& d, const Value& given) {
    Value value = given;
    const bool decimal = d.letter == 'd' || d.letter == 'i' || d.letter == 'u';
    if (decimal && value.is(Kind::real)) {
      MANG_TRY(value, real_to_integer(value.as_real()));
    }
    if (value.is(Kind::undefined)) return undefined_error(value);
    if (!value.is_number() || value.is(Kind::real)) {
      return fail("%{} format: {} is required, not {}", d.letter, decimal ? "a real number" : "an integer",
                  type_name(value));
    }
    std::string digits;
    bool negative = false;
    if (decimal) {
      digits = integer_repr(value);
      negative = digits[0] == '-';
      if (negative) digits.erase(0, 1);
    } else {
      if (value.is(Kind::big)) return fail("the integer {} does not fit 64 bits", value.big().decimal());
      negative = value.as_int() < 0;
      const uint64_t magnitude =
          negative ? 0 - static_cast<uint64_t>(value.as_int()) : static_cast<uint64_t>(value.as_int());
      digits = d.letter == 'o'   ? fmt::format("{:o}", magnitude)
               : d.letter == 'x' ? fmt::format("{:x}", magnitude)
                                 : fmt::format("{:X}", magnitude);
    }
    if (d.precision > static_cast<int64_t>(digits.size())) {
      MANG_TRY(rt_.work(static_cast<size_t>(d.precision)));
      digits.insert(0, static_cast<size_t>(d.precision) - digits.size(), '0');
    }
    std::string head = sign(d, negative);
    if (d.alternate && !decimal) head += std::string("0") + d.letter;
    return padded(d, head, digits, d.zero);
  }

  Result<void> real(const Directive& d, const Value& value) {
    if (value.is(Kind::undefined)) return undefined_error(value);
    if (!value.is_number()) return fail("must be real number, not {}", type_name(value));
    const double x = value.is(Kind::real)  ? value.as_real()
                     : value.is(Kind::big) ? value.big().approximate()
                                           : static_cast<double>(value.as_int());
    if (d.precision > kMaxPrecision) return fail("a precision over {} in a format is refused", kMaxPrecision);
    const int precision = d.precision < 0 ? 6 : static_cast<int>(d.precision);
    MANG_TRY(rt_.step(kStepsOfReal + static_cast<uint64_t>(precision) / 4));
    const std::string body = format_real(std::fabs(x), d.letter, precision, d.alternate);
    return padded(d, sign(d, std::signbit(x) && !std::isnan(x)), body, d.zero);
  }

  static std::string sign(const Directive& d, bool negative) {
    return negative ? "-" : d.plus ? "+" : d.space ? " " : "";
  }

  Result<void> padded(const Directive& d, std::string_view head, std::string_view body, bool zeros) {
    const auto size = static_cast<int64_t>(head.size() + unicode::count(body));
    const auto missing = static_cast<size_t>(std::max<int64_t>(d.width - size, 0));
    if (!d.left && !zeros) MANG_TRY(out_.append(missing, ' '));
    MANG_TRY(out_.append(head));
    if (!d.left && zeros) MANG_TRY(out_.append(missing, '0'));
    MANG_TRY(out_.append(body));
    if (d.left) MANG_TRY(out_.append(missing, ' '));
    return {};
  }

  Runtime& rt_;
  std::string_view format_;
  bool safe_;
  Value arguments_;
  Builder out_;
  size_t at_ = 0;
  size_t used_ = 0;
};

}  // namespace

Result<Value> format_printf(Runtime& rt, const Value& format, const Value& arguments) {
  return PrintfFormatter(rt, format, arguments).run();
}

}  // namespace mang::jinja
