// Truth, equality, order, membership, length.
#include "jinja/operators.h"

#include <cmath>

#include "jinja/python_number.h"
#include "jinja/text_search.h"

namespace mang::jinja {
namespace {

// Sign of a - b, nullopt when b is NaN.
std::optional<int> compare_int_real(int64_t a, double b) {
  if (std::isnan(b)) return std::nullopt;
  if (b >= 9223372036854775808.0) return -1;
  if (b < -9223372036854775808.0) return 1;
  const double whole = std::trunc(b);
  const auto i = static_cast<int64_t>(whole);
  if (a != i) return a < i ? -1 : 1;
  return b > whole ? -1 : b < whole ? 1 : 0;
}

int compare_big(const Big& a, const Big& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int sign = 0;
  if (a.digits.size() != b.digits.size()) {
    sign = a.digits.size() < b.digits.size() ? -1 : 1;
  } else {
    const int c = a.digits.compare(b.digits);
    sign = c < 0 ? -1 : c > 0 ? 1 : 0;
  }
  return a.negative ? -sign : sign;
}

// Sign of a - b for numbers; nullopt: unordered (NaN).
std::optional<int> compare_numbers(const Value& a, const Value& b) {
  if (a.is(Kind::real) && b.is(Kind::real)) {
    const double x = a.as_real(), y = b.as_real();
    if (std::isnan(x) || std::isnan(y)) return std::nullopt;
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a.is_integral() && b.is_integral()) {
    return a.as_int() < b.as_int() ? -1 : a.as_int() > b.as_int() ? 1 : 0;
  }
  if (a.is_integral() && b.is(Kind::real)) return compare_int_real(a.as_int(), b.as_real());
  if (a.is(Kind::real) && b.is_integral()) {
    const auto sign = compare_int_real(b.as_int(), a.as_real());
    if (!sign) return std::nullopt;
    return -*sign;
  }
  if (a.is(Kind::big) && b.is(Kind::big)) return compare_big(a.big(), b.big());
  if (a.is(Kind::big) && b.is_integral()) return a.big().negative ? -1 : 1;
  if (b.is(Kind::big) && a.is_integral()) return b.big().negative ? 1 : -1;
  const double x = a.is(Kind::big) ? a.big().approximate() : a.as_real();
  const double y = b.is(Kind::big) ? b.big().approximate() : b.as_real();
  if (std::isnan(x) || std::isnan(y)) return std::nullopt;
  return x < y ? -1 : x > y ? 1 : 0;
}

Result<bool> equal_items(Runtime& rt, const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    MANG_TRY(bool same, equal(rt, a[i], b[i]));
    if (!same) return false;
  }
  return true;
}

Result<bool> equal_dicts(Runtime& rt, const Dict& a, const Dict& b) {
  if (a.pairs.size() != b.pairs.size()) return false;
  for (const auto& [key, value] : a.pairs) {
    MANG_TRY(const Value* other, dict_find(rt, b, key));
    if (!other) return false;
    MANG_TRY(bool same, equal(rt, value, *other));
    if (!same) return false;
  }
  return true;
}

bool order_holds(int sign, Order order) {
  switch (order) {
    case Order::lt:
      return sign < 0;
    case Order::le:
      return sign <= 0;
    case Order::gt:
      return sign > 0;
    case Order::ge:
      return sign >= 0;
  }
  return false;
}

std::string_view order_symbol(Order order) {
  switch (order) {
    case Order::lt:
      return "<";
    case Order::le:
      return "<=";
    case Order::gt:
      return ">";
    case Order::ge:
      return ">=";
  }
  return "";
}

}  // namespace

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::missing:
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
    case Kind::big:
      return "int";
    case Kind::real:
      return "float";
    case Kind::string:
      return value.text().safe ? "Markup" : "str";
    case Kind::list:
      return "list";
    case Kind::tuple:
      return "tuple";
    case Kind::dict:
      return "dict";
    case Kind::opaque:
      return value.opaque().type_name();
  }
  return "object";
}

std::string object_name(const Value& value) {
  if (value.is(Kind::none)) return "None";
  return std::string(type_name(value)) + " object";
}

Error undefined_error(const Value& value) {
  const auto* info = static_cast<const UndefinedInfo*>(value.object());
  return Error{info ? info->message : "the value is undefined"};
}

Result<bool> truth(Runtime& rt, const Value& value) {
  switch (value.kind()) {
    case Kind::missing:
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return value.as_int() != 0;
    case Kind::real:
      return value.as_real() != 0;
    case Kind::big:
      return true;
    case Kind::string:
      return !value.str().empty();
    case Kind::list:
    case Kind::tuple:
      return !value.items().empty();
    case Kind::dict:
      return !value.dict().pairs.empty();
    case Kind::opaque: {
      MANG_TRY(auto length, value.opaque().length(rt));
      return !length || *length != 0;
    }
  }
  return true;
}

Result<bool> equal(Runtime& rt, const Value& a, const Value& b) {
  MANG_TRY(rt.step());
  if (a.on_heap() && a.same(b)) return true;
  if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::string: {
      const auto x = a.str(), y = b.str();
      if (x.size() != y.size()) return false;
      MANG_TRY(rt.step(x.size() / 1024));
      return x == y;
    }
    case Kind::list:
    case Kind::tuple: {
      const DepthGuard depth(rt);
      MANG_TRY(depth.check());
      return equal_items(rt, a.items(), b.items());
    }
    case Kind::dict: {
      const DepthGuard depth(rt);
      MANG_TRY(depth.check());
      return equal_dicts(rt, a.dict(), b.dict());
    }
    case Kind::opaque:
      return a.opaque().equals(b.opaque());
    default:
      return true;  // none, undefined
  }
}

Result<bool> ordered(Runtime& rt, const Value& a, const Value& b, Order order) {
  MANG_TRY(rt.step());
  if (a.is(Kind::undefined)) return undefined_error(a);
  if (b.is(Kind::undefined)) return undefined_error(b);
  if (a.is_number() && b.is_number()) {
    const auto sign = compare_numbers(a, b);
    return sign && order_holds(*sign, order);
  }
  if (a.is(Kind::string) && b.is(Kind::string)) {  // UTF-8 sorts as its code points do
    MANG_TRY(rt.step(std::min(a.str().size(), b.str().size()) / 1024));
    return order_holds(a.str().compare(b.str()), order);
  }
  if (a.is_sequence() && a.kind() == b.kind()) {
    const DepthGuard depth(rt);
    MANG_TRY(depth.check());
    const auto& x = a.items();
    const auto& y = b.items();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      MANG_TRY(bool same, equal(rt, x[i], y[i]));
      if (!same) return ordered(rt, x[i], y[i], order);
    }
    return order_holds(x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0, order);
  }
  return fail("'{}' not supported between instances of '{}' and '{}'", order_symbol(order), type_name(a), type_name(b));
}

Result<bool> contains(Runtime& rt, const Value& needle, const Value& haystack) {
  switch (haystack.kind()) {
    case Kind::undefined:
      return false;
    case Kind::string: {
      if (!needle.is(Kind::string)) {
        return fail("'in <string>' requires string as left operand, not {}", type_name(needle));
      }
      const auto text = haystack.str(), part = needle.str();
      MANG_TRY(rt.step(text.size() / 256));
      return find_bytes(text, part) != std::string_view::npos;
    }
    case Kind::list:
    case Kind::tuple:
      for (const Value& item : haystack.items()) {
        MANG_TRY(bool same, equal(rt, item, needle));
        if (same) return true;
      }
      return false;
    case Kind::dict: {
      MANG_TRY(const Value* found, dict_find(rt, haystack.dict(), needle));
      return found != nullptr;
    }
    default:
      break;
  }
  if (!is_iterable(haystack)) return fail("argument of type '{}' is not iterable", type_name(haystack));
  MANG_TRY(auto known, haystack.opaque().contains(rt, needle));
  if (known) return *known;
  MANG_TRY(auto it, iterate(rt, haystack));
  while (true) {
    MANG_TRY(auto item, it->next(rt));
    if (!item) return false;
    MANG_TRY(bool same, equal(rt, *item, needle));
    if (same) return true;
  }
}

Result<int64_t> length_of(Runtime& rt, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      MANG_TRY(rt.step(value.str().size() / 1024));
      return static_cast<int64_t>(value.text().length());
    case Kind::list:
    case Kind::tuple:
      return static_cast<int64_t>(value.items().size());
    case Kind::dict:
      return static_cast<int64_t>(value.dict().pairs.size());
    case Kind::opaque: {
      MANG_TRY(auto length, value.opaque().length(rt));
      if (length) return *length;
      break;
    }
    default:
      break;
  }
  return fail("object of type '{}' has no len()", type_name(value));
}

Result<int64_t> to_index(const Value& value, std::string_view what) {
  if (value.is_integral()) return value.as_int();
  if (value.is(Kind::big)) return fail("{} is too large", what);
  return fail("{}: '{}' object cannot be interpreted as an integer", what, type_name(value));
}

// A merge sort that only asks "is b < a", as Python's does, and stops at the first comparison that fails.
Result<std::vector<size_t>> sorted_order(Runtime& rt, const std::vector<Value>& keys, bool reverse) {
  std::vector<size_t> order(keys.size()), other(keys.size());
  MANG_TRY(rt.work_items(keys.size()));
  for (size_t i = 0; i < order.size(); ++i) order[i] = reverse ? order.size() - 1 - i : i;
  for (size_t width = 1; width < order.size(); width *= 2) {
    for (size_t begin = 0; begin < order.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, order.size()), end = std::min(begin + 2 * width, order.size());
      size_t left = begin, right = middle;
      for (size_t at = begin; at < end; ++at) {
        bool take_right = left == middle;
        if (left < middle && right < end) {
          MANG_TRY(take_right, ordered(rt, keys[order[right]], keys[order[left]], Order::lt));
        }
        other[at] = take_right ? order[right++] : order[left++];
      }
    }
    std::swap(order, other);
  }
  if (reverse) std::reverse(order.begin(), order.end());
  return order;
}

}  // namespace mang::jinja
