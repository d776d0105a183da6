// The methods of list, tuple, dict, int and float, and what the sandbox hides.
#include <algorithm>
#include <bit>
#include <cmath>

#include "jinja/bind.h"
#include "jinja/method_tables.h"
#include "jinja/python_number.h"

namespace mang::jinja {
namespace {

Result<Value> sequence_count(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("count", arguments, {"/value"}, 1));
  int64_t n = 0;
  for (const Value& item : self.items()) {
    MANG_TRY(bool same, equal(rt, item, a[0]));
    n += same;
  }
  return Value::integer(n);
}

Result<Value> sequence_index(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<3>("index", arguments, {"/value", "/start", "/stop"}, 1));
  const auto size = static_cast<int64_t>(self.items().size());
  int64_t start = 0, stop = size;
  if (given(a[1])) {
    MANG_TRY(start, to_index(a[1], "start"));
  }
  if (given(a[2])) {
    MANG_TRY(stop, to_index(a[2], "stop"));
  }
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (stop < 0) stop = std::max<int64_t>(stop + size, 0);
  for (int64_t i = start; i < std::min(stop, size); ++i) {
    MANG_TRY(bool same, equal(rt, self.items()[static_cast<size_t>(i)], a[0]));
    if (same) return Value::integer(i);
  }
  return fail("the value is not in the {}", type_name(self));
}

Result<Value> copy(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("copy", arguments));
  MANG_TRY(rt.step());
  return self;  // nothing can change either copy
}

Ref<Dict> dict_of(const Value& self) { return Ref<Dict>(const_cast<Dict*>(&self.dict())); }

template <DictView::Part part>
Result<Value> view(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("dict method", arguments));
  return Runtime::opaque(rt.make<DictView>(dict_of(self), part));
}

Result<Value> dict_get(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("get", arguments, {"/key", "/default"}, 1));
  MANG_TRY(const Value* found, dict_find(rt, self.dict(), a[0]));
  if (found) return *found;
  return given(a[1]) ? a[1] : Value::none();
}

Result<Value> dict_fromkeys(Runtime& rt, const Value&, Arguments& arguments) {
  MANG_TRY(auto a, bind<2>("fromkeys", arguments, {"/iterable", "/value"}, 1));
  MANG_TRY(auto keys, to_vector(rt, a[0]));
  auto out = rt.new_dict();
  for (const Value& key : keys) MANG_TRY(dict_set(rt, *out, key, given(a[1]) ? a[1] : Value::none()));
  return rt.dict(out);
}

Result<Value> bit_length(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("bit_length", arguments));
  const int64_t i = self.as_int();
  return Value::integer(std::bit_width(i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i)));
}

Result<Value> bit_count(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("bit_count", arguments));
  const int64_t i = self.as_int();
  return Value::integer(std::popcount(i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i)));
}

Result<Value> conjugate(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("conjugate", arguments));
  return plus(self);
}

Result<Value> integer_ratio(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("as_integer_ratio", arguments));
  if (self.is_integral()) return rt.tuple({Value::integer(self.as_int()), Value::integer(1)});
  double d = self.as_real();
  if (!std::isfinite(d)) return fail("cannot convert this float to an integer ratio");
  int64_t denominator = 1;
  while (d != std::floor(d)) {
    d *= 2;
    if (__builtin_mul_overflow(denominator, 2, &denominator)) return fail("the ratio does not fit 64 bits");
  }
  MANG_TRY(Value numerator, real_to_integer(d));
  return rt.tuple({numerator, Value::integer(denominator)});
}

Result<Value> is_integer(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("is_integer", arguments));
  return Value::boolean(std::isfinite(self.as_real()) && self.as_real() == std::floor(self.as_real()));
}

constexpr FilterEntry kListMethods[] = {{"copy", copy}, {"count", sequence_count}, {"index", sequence_index}};
constexpr FilterEntry kTupleMethods[] = {{"count", sequence_count}, {"index", sequence_index}};
constexpr FilterEntry kDictMethods[] = {{"copy", copy},
                                        {"fromkeys", dict_fromkeys},
                                        {"get", dict_get},
                                        {"items", view<DictView::Part::items>},
                                        {"keys", view<DictView::Part::keys>},
                                        {"values", view<DictView::Part::values>}};
constexpr FilterEntry kIntegerMethods[] = {{"as_integer_ratio", integer_ratio},
                                           {"bit_count", bit_count},
                                           {"bit_length", bit_length},
                                           {"conjugate", conjugate}};
constexpr FilterEntry kRealMethods[] = {
    {"as_integer_ratio", integer_ratio}, {"conjugate", conjugate}, {"is_integer", is_integer}};

constexpr std::string_view kListMutators[] = {"append", "clear",  "extend",  "insert",
                                              "pop",    "remove", "reverse", "sort"};
constexpr std::string_view kDictMutators[] = {"clear", "pop", "popitem", "setdefault", "update"};
// What every Python object has.
constexpr std::string_view kObjectAttributes[] = {
    "__class__",   "__delattr__", "__dir__",           "__doc__",         "__eq__",
    "__format__",  "__ge__",      "__getattribute__",  "__getstate__",    "__gt__",
    "__hash__",    "__init__",    "__init_subclass__", "__le__",          "__lt__",
    "__ne__",      "__new__",     "__reduce__",        "__reduce_ex__",   "__repr__",
    "__setattr__", "__sizeof__",  "__str__",           "__subclasshook__"};

template <size_t N>
bool among(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

const FilterEntry* find_method(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::string:
      return find_entry(text_method_table(), name);
    case Kind::list:
      return find_entry(kListMethods, name);
    case Kind::tuple:
      return find_entry(kTupleMethods, name);
    case Kind::dict:
      return find_entry(kDictMethods, name);
    case Kind::boolean:
    case Kind::integer:
      return find_entry(kIntegerMethods, name);
    case Kind::real:
      return find_entry(kRealMethods, name);
    default:
      return nullptr;
  }
}

bool is_unsafe_attribute(const Value& object, std::string_view name) {
  if (name.starts_with("__")) {
    if (among(kObjectAttributes, name)) return true;
    const bool container = object.is(Kind::string) || object.is_sequence() || object.is(Kind::dict);
    return container && (name == "__len__" || name == "__iter__" || name == "__getitem__" || name == "__contains__");
  }
  if (object.is(Kind::list)) return among(kListMutators, name);
  if (object.is(Kind::dict)) return among(kDictMutators, name);
  return false;
}

}  // namespace mang::jinja
