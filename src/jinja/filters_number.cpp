// Filters on numbers.
#include <cmath>

#include "jinja/bind.h"
#include "jinja/formatting.h"
#include "jinja/method_tables.h"
#include "jinja/python_number.h"

namespace mang::jinja {
namespace {

double as_double(const Value& value) {
  if (value.is(Kind::real)) return value.as_real();
  if (value.is(Kind::big)) return value.big().approximate();
  return static_cast<double>(value.as_int());
}

// float(value); nullopt for what raises TypeError or ValueError.
std::optional<double> to_real(const Value& value) {
  if (value.is_number()) return as_double(value);
  if (value.is(Kind::string)) return parse_real(value.str());
  return std::nullopt;
}

Result<Value> absolute(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("abs", arguments));
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (!self.is_number()) return fail("bad operand type for abs(): '{}'", type_name(self));
  if (self.is(Kind::real)) return Value::real(std::fabs(self.as_real()));
  if (self.is(Kind::big)) return integer_from_decimal(false, self.big().digits);
  return self.as_int() < 0 ? negate(self) : plus(self);
}

Result<Value> to_int(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("int", arguments, {"default", "base"}, 0));
  const Value otherwise = given(a[0]) ? a[0] : Value::integer(0);
  int64_t base = 10;
  if (given(a[1])) {
    MANG_TRY(base, to_index(a[1], "base"));
  }
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (self.is(Kind::string)) {
    MANG_TRY(rt.step(self.str().size() / 64));
    auto parsed = parse_integer(self.str(), static_cast<int>(std::clamp<int64_t>(base, -1, 99)));
    if (parsed.ok() && *parsed) return **parsed;
    const auto real = parse_real(self.str());
    if (!real || !std::isfinite(*real)) return otherwise;
    MANG_TRY(rt.step(8 * kStepsOfReal));
    return real_to_integer(*real);
  }
  if (self.is(Kind::real)) {
    MANG_TRY(rt.step(std::fabs(self.as_real()) < 1e18 ? 1 : 8 * kStepsOfReal));  // up to 309 digits
    auto whole = real_to_integer(self.as_real());
    return whole.ok() ? *whole : otherwise;
  }
  if (self.is(Kind::big)) return self;
  if (self.is_integral()) return Value::integer(self.as_int());
  return otherwise;
}

Result<Value> to_float(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("float", arguments, {"default"}, 0));
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (const auto real = to_real(self)) return Value::real(*real);
  return given(a[0]) ? a[0] : Value::real(0.0);
}

// round(int, negative): half to even on the decimal digits.
Result<Value> round_integer(int64_t value, int64_t digits) {
  if (digits >= 0) return Value::integer(value);
  if (digits < -18) return Value::integer(0);
  int64_t unit = 1;
  for (int64_t i = digits; i < 0; ++i) unit *= 10;
  int64_t rest = value % unit;
  if (rest < 0) rest += unit;
  int64_t down = 0;
  if (__builtin_sub_overflow(value, rest, &down)) return fail("an integer result does not fit 64 bits");
  const bool odd = (down / unit) % 2 != 0;
  const bool up = rest * 2 > unit || (rest * 2 == unit && odd);
  int64_t out = down;
  if (up && __builtin_add_overflow(down, unit, &out)) return fail("an integer result does not fit 64 bits");
  return Value::integer(out);
}

Result<Value> round(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("round", arguments, {"precision", "method"}, 0));
  const std::string_view method = a[1].is(Kind::string) ? a[1].str() : given(a[1]) ? "?" : "common";
  if (method != "common" && method != "ceil" && method != "floor") return fail("method must be common, ceil or floor");
  if (self.is(Kind::undefined)) return undefined_error(self);
  if (!self.is_number()) return fail("type {} doesn't define __round__ method", type_name(self));
  MANG_TRY(rt.step(kStepsOfReal));
  if (method == "common") {
    if (self.is(Kind::big)) return self;
    if (a[0].is(Kind::none)) {  // round(x) gives an int
      if (self.is_integral()) return Value::integer(self.as_int());
      return real_to_integer(std::nearbyint(self.as_real()));
    }
    int64_t digits = 0;
    if (given(a[0])) {
      MANG_TRY(digits, to_index(a[0], "precision"));
    }
    if (self.is_integral()) return round_integer(self.as_int(), digits);
    return Value::real(round_real(self.as_real(), digits));
  }
  const Value precision = given(a[0]) ? a[0] : Value::integer(0);
  MANG_TRY(Value scale, arithmetic(rt, Arithmetic::power, Value::integer(10), precision));
  MANG_TRY(Value scaled, arithmetic(rt, Arithmetic::multiply, self, scale));
  if (scaled.is(Kind::real)) {
    MANG_TRY(scaled, real_to_integer(method == "ceil" ? std::ceil(scaled.as_real()) : std::floor(scaled.as_real())));
  }
  return arithmetic(rt, Arithmetic::divide, scaled, scale);
}

Result<Value> file_size(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("filesizeformat", arguments, {"binary"}, 0));
  MANG_TRY(bool binary, truth_or(rt, a[0], false));
  if (self.is(Kind::undefined)) return undefined_error(self);
  const auto bytes = to_real(self);
  if (!bytes) return fail("could not convert the value to float");
  if (*bytes == 1) return rt.string("1 Byte");
  const double base = binary ? 1024 : 1000;
  if (*bytes < base) {
    MANG_TRY(Value whole, real_to_integer(*bytes));
    return rt.string(integer_repr(whole) + " Bytes");
  }
  constexpr std::string_view prefixes = "kMGTPEZY";
  double unit = base;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    unit *= base;
    if (*bytes < unit || i + 1 == prefixes.size()) {
      const std::string prefix =
          binary ? std::string(1, i == 0 ? 'K' : prefixes[i]) + "iB" : std::string(1, prefixes[i]) + "B";
      const double shown = base * *bytes / unit;
      return rt.string((std::isfinite(shown) ? format_real(std::fabs(shown), 'f', 1, false) : real_repr(shown)) + " " +
                       prefix);
    }
  }
  return fail("the size cannot be shown");
}

}  // namespace

std::span<const FilterEntry> number_filter_table() {
  static constexpr FilterEntry table[] = {
      {"abs", absolute}, {"filesizeformat", file_size}, {"float", to_float}, {"int", to_int}, {"round", round},
  };
  return table;
}

}  // namespace mang::jinja
