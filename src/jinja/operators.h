// Python's operators and protocols on Values: truth, ==, <, in, +, [], len, iteration, hashing, str and repr.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jinja/runtime.h"

namespace mang::jinja {

// Python's name of a value's type: "str", "NoneType", "Undefined", …
std::string_view type_name(const Value& value);
// As jinja2 names what lacks an attribute: "dict object", "None".
std::string object_name(const Value& value);

Result<bool> truth(Runtime& rt, const Value& value);
Result<bool> equal(Runtime& rt, const Value& a, const Value& b);
// a < b, with Python's TypeError for kinds without an order.
enum class Order { lt, le, gt, ge };
Result<bool> ordered(Runtime& rt, const Value& a, const Value& b, Order order);
Result<bool> contains(Runtime& rt, const Value& needle, const Value& haystack);
Result<uint64_t> hash_value(Runtime& rt, const Value& value);

enum class Arithmetic { add, subtract, multiply, divide, floor_divide, modulo, power };
Result<Value> arithmetic(Runtime& rt, Arithmetic op, const Value& a, const Value& b);
Result<Value> negate(const Value& value);
Result<Value> plus(const Value& value);

// len(value).
Result<int64_t> length_of(Runtime& rt, const Value& value);
bool is_iterable(const Value& value);
Result<Ref<Iterator>> iterate(Runtime& rt, const Value& value);
// list(value).
Result<std::vector<Value>> to_vector(Runtime& rt, const Value& value);

// environment.getattr / environment.getitem of the sandbox: attribute first, or item first.
Result<Value> get_attribute(Runtime& rt, const Value& object, std::string_view name);
Result<Value> get_item(Runtime& rt, const Value& object, const Value& key);
// A real attribute (a method, a namespace's name), never an item; nullopt: none.
Result<std::optional<Value>> real_attribute(Runtime& rt, const Value& object, std::string_view name);
Result<Value> slice(Runtime& rt, const Value& object, const Value& start, const Value& stop, const Value& step);
Result<Value> call_value(Runtime& rt, const Value& callee, Arguments& arguments);

// An integer where Python wants one (__index__); `what` names it in the error.
Result<int64_t> to_index(const Value& value, std::string_view what);

// What an operation on an undefined value fails with.
Error undefined_error(const Value& value);

// Dicts.
Result<const Value*> dict_find(Runtime& rt, const Dict& dict, const Value& key);  // null: not there
Result<void> dict_set(Runtime& rt, Dict& dict, Value key, Value value);
Result<void> dict_set(Runtime& rt, Dict& dict, std::string_view key, Value value);

// str(value) and repr(value), appended.
Result<void> append_str(Runtime& rt, Builder& out, const Value& value);
Result<void> append_repr(Runtime& rt, Builder& out, const Value& value);
Result<std::string> str_of(Runtime& rt, const Value& value);
Result<std::string> repr_of(Runtime& rt, const Value& value);
void append_string_repr(std::string& out, std::string_view text);
std::string string_repr(std::string_view text);
// str(value) as a str Value; a str stays itself.
Result<Value> to_string_value(Runtime& rt, const Value& value);

// json.dumps as transformers' tojson calls it.
struct JsonStyle {
  bool ascii = false;
  std::optional<std::string> indent;  // the text of one level
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
Result<std::string> dump_value(Runtime& rt, const Value& value, const JsonStyle& style);

// markupsafe.escape of text.
std::string escape_html(std::string_view text);
// escape(value): a safe str.
Result<Value> escape_value(Runtime& rt, const Value& value);

// Stable sort of `order` (places in keys) by keys with Python's <.
Result<std::vector<size_t>> sorted_order(Runtime& rt, const std::vector<Value>& keys, bool reverse);

}  // namespace mang::jinja
