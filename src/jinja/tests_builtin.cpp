// The tests of jinja2: what may stand behind `is`.
#include <algorithm>

#include "jinja/bind.h"
#include "jinja/method_tables.h"
#include "jinja/methods_text.h"

namespace mang::jinja {
namespace {

template <bool (*holds)(const Value&)>
Result<Value> simple(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("test", arguments));
  return Value::boolean(holds(self));
}

bool is_defined(const Value& v) { return !v.is(Kind::undefined); }
bool is_undefined(const Value& v) { return v.is(Kind::undefined); }
bool is_none(const Value& v) { return v.is(Kind::none); }
bool is_boolean(const Value& v) { return v.is(Kind::boolean); }
bool is_true(const Value& v) { return v.is(Kind::boolean) && v.as_bool(); }
bool is_false(const Value& v) { return v.is(Kind::boolean) && !v.as_bool(); }
bool is_integer(const Value& v) { return v.is(Kind::integer) || v.is(Kind::big); }
bool is_float(const Value& v) { return v.is(Kind::real); }
bool is_number(const Value& v) { return v.is_number(); }
bool is_string(const Value& v) { return v.is(Kind::string); }
bool is_mapping(const Value& v) { return v.is(Kind::dict); }
bool is_escaped(const Value& v) { return v.is(Kind::string) && v.text().safe; }
bool is_callable(const Value& v) { return v.is(Kind::undefined) || (v.is(Kind::opaque) && v.opaque().callable()); }
bool is_sequence(const Value& v) {
  if (v.is(Kind::opaque)) return v.opaque().has_getitem();
  return v.is(Kind::undefined) || v.is(Kind::string) || v.is_sequence() || v.is(Kind::dict);
}

Result<Value> remainder_is(Runtime& rt, const Value& value, const Value& divisor, int64_t rest) {
  MANG_TRY(Value left, arithmetic(rt, Arithmetic::modulo, value, divisor));
  MANG_TRY(bool same, equal(rt, left, Value::integer(rest)));
  return Value::boolean(same);
}

template <int64_t rest>
Result<Value> parity(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("odd/even", arguments));
  return remainder_is(rt, self, Value::integer(2), rest);
}

Result<Value> divisible_by(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("divisibleby", arguments, {"num"}, 1));
  return remainder_is(rt, self, a[0], 0);
}

template <bool upper>
Result<Value> has_case(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("lower/upper", arguments));
  MANG_TRY(Value text, to_string_value(rt, self));
  const FilterEntry* method = find_entry(text_method_table(), upper ? "isupper" : "islower");
  return method->function(rt, text, arguments);
}

template <bool equals>
Result<Value> compare_equal(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("eq/ne", arguments, {"/other"}, 1));
  MANG_TRY(bool same, equal(rt, self, a[0]));
  return Value::boolean(same == equals);
}

template <Order order>
Result<Value> compare_order(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("comparison", arguments, {"/other"}, 1));
  MANG_TRY(bool holds, ordered(rt, self, a[0], order));
  return Value::boolean(holds);
}

Result<Value> is_in(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("in", arguments, {"seq"}, 1));
  MANG_TRY(bool found, contains(rt, self, a[0]));
  return Value::boolean(found);
}

Result<Value> is_iterable_test(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("iterable", arguments));
  return Value::boolean(is_iterable(self) || (self.is(Kind::opaque) && self.opaque().type_name() == "LoopContext"));
}

// Identity: the same object, or equal values of the kinds that Python keeps one of.
Result<Value> same_as(Runtime&, const Value& self, Arguments& arguments) {
  MANG_TRY(auto a, bind<1>("sameas", arguments, {"other"}, 1));
  bool same = self.same(a[0]);
  if (!same && self.is(Kind::string) && a[0].is(Kind::string)) {
    same = self.text().length() <= 1 && self.str() == a[0].str() && !self.text().safe && !a[0].text().safe;
  }
  if (self.is_sequence() && self.kind() == a[0].kind() && self.is(Kind::tuple)) {
    same |= self.items().empty() && a[0].items().empty();
  }
  return Value::boolean(same);
}

Result<Value> is_filter(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("filter", arguments));
  MANG_TRY(hash_value(rt, self));
  return Value::boolean(self.is(Kind::string) && find_filter(self.str()) != nullptr);
}

Result<Value> is_test(Runtime& rt, const Value& self, Arguments& arguments) {
  MANG_TRY(bind_none("test", arguments));
  MANG_TRY(hash_value(rt, self));
  return Value::boolean(self.is(Kind::string) && find_test(self.str()) != nullptr);
}

}  // namespace

const FilterEntry* find_test(std::string_view name) {
  static constexpr FilterEntry table[] = {
      {"!=", compare_equal<false>},
      {"<", compare_order<Order::lt>},
      {"<=", compare_order<Order::le>},
      {"==", compare_equal<true>},
      {">", compare_order<Order::gt>},
      {">=", compare_order<Order::ge>},
      {"boolean", simple<is_boolean>},
      {"callable", simple<is_callable>},
      {"defined", simple<is_defined>},
      {"divisibleby", divisible_by},
      {"eq", compare_equal<true>},
      {"equalto", compare_equal<true>},
      {"escaped", simple<is_escaped>},
      {"even", parity<0>},
      {"false", simple<is_false>},
      {"filter", is_filter},
      {"float", simple<is_float>},
      {"ge", compare_order<Order::ge>},
      {"greaterthan", compare_order<Order::gt>},
      {"gt", compare_order<Order::gt>},
      {"in", is_in},
      {"integer", simple<is_integer>},
      {"iterable", is_iterable_test},
      {"le", compare_order<Order::le>},
      {"lessthan", compare_order<Order::lt>},
      {"lower", has_case<false>},
      {"lt", compare_order<Order::lt>},
      {"mapping", simple<is_mapping>},
      {"ne", compare_equal<false>},
      {"none", simple<is_none>},
      {"number", simple<is_number>},
      {"odd", parity<1>},
      {"sameas", same_as},
      {"sequence", simple<is_sequence>},
      {"string", simple<is_string>},
      {"test", is_test},
      {"true", simple<is_true>},
      {"undefined", simple<is_undefined>},
      {"upper", has_case<true>},
  };
  static_assert(std::is_sorted(std::begin(table), std::end(table),
                               [](const FilterEntry& a, const FilterEntry& b) { return a.name < b.name; }));
  return find_entry(table, name);
}

}  // namespace mang::jinja
