// The built-in filters and tests of jinja2, by name.
#pragma once

#include <string_view>

#include "jinja/object.h"

namespace mang::jinja {

// A filter's or test's input is `self`.
struct FilterEntry {
  std::string_view name;
  BuiltinFunction function;
};

const FilterEntry* find_filter(std::string_view name);
const FilterEntry* find_test(std::string_view name);

// The global functions: range, dict, namespace, cycler, joiner, lipsum, raise_exception, strftime_now.
// Missing when there is none of that name.
Value find_global(Runtime& rt, std::string_view name);

// The methods of str, list, tuple, dict, int and float.
const FilterEntry* find_method(const Value& object, std::string_view name);
// Methods and attributes the sandbox hides because they change their object or reach into Python.
bool is_unsafe_attribute(const Value& object, std::string_view name);

}  // namespace mang::jinja
