// + - * / // % ** and the signs.
#include <cmath>

#include "jinja/formatting.h"
#include "jinja/operators.h"
#include "jinja/python_number.h"

namespace mang::jinja {
namespace {

constexpr std::string_view symbol(Arithmetic op) {
  constexpr std::string_view symbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
  return symbols[static_cast<size_t>(op)];
}

Error too_large() { return fail("an integer result does not fit 64 bits"); }

Error unsupported(Arithmetic op, const Value& a, const Value& b) {
  return fail("unsupported operand type(s) for {}: '{}' and '{}'", symbol(op), type_name(a), type_name(b));
}

Result<Value> integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return fail("0.0 cannot be raised to a negative power");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  while (true) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return too_large();
    exponent >>= 1;
    if (exponent == 0) return Value::integer(result);
    if (base == 0 || base == 1) continue;
    if (base == -1) {
      base = 1;
    } else if (__builtin_mul_overflow(base, base, &base)) {
      return too_large();
    }
  }
}

Result<Value> integer_arithmetic(Arithmetic op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case Arithmetic::add:
      return __builtin_add_overflow(a, b, &out) ? Result<Value>(too_large()) : Value::integer(out);
    case Arithmetic::subtract:
      return __builtin_sub_overflow(a, b, &out) ? Result<Value>(too_large()) : Value::integer(out);
    case Arithmetic::multiply:
      return __builtin_mul_overflow(a, b, &out) ? Result<Value>(too_large()) : Value::integer(out);
    case Arithmetic::divide:
      if (b == 0) return fail("division by zero");
      return Value::real(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case Arithmetic::floor_divide:
    case Arithmetic::modulo: {
      if (b == 0) return fail("integer division or modulo by zero");
      if (b == -1) {  // INT64_MIN / -1
        if (op == Arithmetic::modulo) return Value::integer(0);
        return __builtin_sub_overflow(int64_t{0}, a, &out) ? Result<Value>(too_large()) : Value::integer(out);
      }
      int64_t quotient = a / b, rest = a % b;
      if (rest != 0 && (rest < 0) != (b < 0)) {
        --quotient;
        rest += b;
      }
      return Value::integer(op == Arithmetic::modulo ? rest : quotient);
    }
    case Arithmetic::power:
      return integer_power(a, b);
  }
  return too_large();
}

// Python's float divmod: the remainder has the divisor's sign.
void floor_divmod(double a, double b, double& quotient, double& rest) {
  rest = std::fmod(a, b);
  double div = (a - rest) / b;
  if (rest != 0) {
    if ((b < 0) != (rest < 0)) {
      rest += b;
      div -= 1.0;
    }
  } else {
    rest = std::copysign(0.0, b);
  }
  if (div != 0) {
    quotient = std::floor(div);
    if (div - quotient > 0.5) quotient += 1.0;
  } else {
    quotient = std::copysign(0.0, a / b);
  }
}

Result<Value> real_power(double a, double b) {
  if (a == 0 && b < 0) return fail("0.0 cannot be raised to a negative power");
  if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b)) {
    return fail("a negative number to a fractional power is complex, which templates do not have here");
  }
  const double out = std::pow(a, b);
  if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) return fail("Numerical result out of range");
  return Value::real(out);
}

Result<Value> real_arithmetic(Arithmetic op, double a, double b) {
  double quotient = 0, rest = 0;
  switch (op) {
    case Arithmetic::add:
      return Value::real(a + b);
    case Arithmetic::subtract:
      return Value::real(a - b);
    case Arithmetic::multiply:
      return Value::real(a * b);
    case Arithmetic::divide:
      if (b == 0) return fail("float division by zero");
      return Value::real(a / b);
    case Arithmetic::floor_divide:
    case Arithmetic::modulo:
      if (b == 0) return fail("float floor division or modulo by zero");
      floor_divmod(a, b, quotient, rest);
      return Value::real(op == Arithmetic::modulo ? rest : quotient);
    case Arithmetic::power:
      return real_power(a, b);
  }
  return too_large();
}

double as_double(const Value& value) {
  if (value.is(Kind::real)) return value.as_real();
  if (value.is(Kind::big)) return value.big().approximate();
  return static_cast<double>(value.as_int());
}

Result<Value> number_arithmetic(Arithmetic op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return integer_arithmetic(op, a.as_int(), b.as_int());
  const bool whole = !a.is(Kind::real) && !b.is(Kind::real);
  if (whole && op != Arithmetic::divide) return too_large();
  return real_arithmetic(op, as_double(a), as_double(b));
}

Result<Value> concatenate(Runtime& rt, const Value& a, const Value& b) {
  if (a.is(Kind::string) && b.is(Kind::string)) {
    const bool safe = a.text().safe || b.text().safe;
    MANG_TRY(rt.work(a.str().size() + b.str().size()));
    std::string out(a.str());
    if (!safe) return rt.string(out.append(b.str()));
    out = a.text().safe ? out : escape_html(out);
    out += b.text().safe ? std::string(b.str()) : escape_html(b.str());
    return rt.string(std::move(out), true);
  }
  if (a.is_sequence() && a.kind() == b.kind()) {
    MANG_TRY(rt.work_items(a.items().size() + b.items().size()));
    std::vector<Value> items;
    items.reserve(a.items().size() + b.items().size());
    items.insert(items.end(), a.items().begin(), a.items().end());
    items.insert(items.end(), b.items().begin(), b.items().end());
    return rt.sequence(a.kind(), std::move(items));
  }
  if (a.is(Kind::string) || a.is_sequence()) {
    return fail("can only concatenate {0} (not \"{1}\") to {0}", type_name(a), type_name(b));
  }
  return unsupported(Arithmetic::add, a, b);
}

Result<Value> repeat(Runtime& rt, const Value& what, const Value& times) {
  const int64_t n = std::max<int64_t>(times.as_int(), 0);
  if (what.is(Kind::string)) {
    const auto text = what.str();
    size_t size = 0;
    if (__builtin_mul_overflow(text.size(), static_cast<size_t>(n), &size)) size = SIZE_MAX / 2;
    MANG_TRY(rt.work(size));
    std::string out;
    out.reserve(size);
    for (int64_t i = 0; i < n && !text.empty(); ++i) out += text;
    return rt.string(std::move(out), what.text().safe);
  }
  const auto& items = what.items();
  size_t count = 0;
  if (__builtin_mul_overflow(items.size(), static_cast<size_t>(n), &count) || count > SIZE_MAX / 64)
    count = SIZE_MAX / 64;
  MANG_TRY(rt.work_items(count));
  std::vector<Value> out;
  out.reserve(count);
  for (int64_t i = 0; i < n && !items.empty(); ++i) out.insert(out.end(), items.begin(), items.end());
  return rt.sequence(what.kind(), std::move(out));
}

}  // namespace

Result<Value> arithmetic(Runtime& rt, Arithmetic op, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return number_arithmetic(op, a, b);
  if (op == Arithmetic::modulo && a.is(Kind::string)) return format_printf(rt, a, b);
  if (a.is(Kind::undefined)) return undefined_error(a);
  if (b.is(Kind::undefined)) return undefined_error(b);
  if (op == Arithmetic::add) return concatenate(rt, a, b);
  if (op == Arithmetic::multiply) {
    const bool a_repeats = a.is(Kind::string) || a.is_sequence(), b_repeats = b.is(Kind::string) || b.is_sequence();
    if (a_repeats && b.is_integral()) return repeat(rt, a, b);
    if (b_repeats && a.is_integral()) return repeat(rt, b, a);
    if (a_repeats || b_repeats) {
      return fail("can't multiply sequence by non-int of type '{}'", type_name(a_repeats ? b : a));
    }
  }
  return unsupported(op, a, b);
}

Result<Value> negate(const Value& value) {
  switch (value.kind()) {
    case Kind::boolean:
    case Kind::integer:
      return integer_arithmetic(Arithmetic::subtract, 0, value.as_int());
    case Kind::real:
      return Value::real(-value.as_real());
    case Kind::big:
      return integer_from_decimal(!value.big().negative, value.big().digits);
    case Kind::undefined:
      return undefined_error(value);
    default:
      return fail("bad operand type for unary -: '{}'", type_name(value));
  }
}

Result<Value> plus(const Value& value) {
  if (value.is(Kind::boolean)) return Value::integer(value.as_int());
  if (value.is_number()) return value;
  if (value.is(Kind::undefined)) return undefined_error(value);
  return fail("bad operand type for unary +: '{}'", type_name(value));
}

}  // namespace mang::jinja
