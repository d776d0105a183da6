// Arguments → parameters, as Python binds them.
#pragma once

#include <array>
#include <string_view>

#include "jinja/operators.h"

namespace mang::jinja {

// The value of each parameter, Kind::missing where none was given. A name that starts with '/' is positional only.
template <size_t N>
Result<std::array<Value, N>> bind(std::string_view function, Arguments& arguments,
                                  const std::array<std::string_view, N>& names, size_t required) {
  std::array<Value, N> out;
  out.fill(Value::missing());
  if (arguments.positional.size() > N) {
    return fail("{}() takes at most {} argument(s), {} given", function, N, arguments.positional.size());
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) out[i] = arguments.positional[i];
  for (auto& [name, value] : arguments.named) {
    size_t place = N;
    for (size_t i = 0; i < N; ++i) {
      if (names[i] == name) place = i;
    }
    if (place == N) return fail("{}() got an unexpected keyword argument '{}'", function, name);
    if (!out[place].is(Kind::missing)) return fail("{}() got multiple values for argument '{}'", function, name);
    out[place] = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (out[i].is(Kind::missing)) {
      return fail("{}() missing a required argument: '{}'", function,
                  names[i].starts_with('/') ? names[i].substr(1) : names[i]);
    }
  }
  return out;
}

inline Result<void> bind_none(std::string_view function, const Arguments& arguments) {
  if (arguments.empty()) return {};
  return fail("{}() takes no arguments ({} given)", function, arguments.positional.size() + arguments.named.size());
}

inline bool given(const Value& value) { return !value.is(Kind::missing); }
// Given and not none.
inline bool present(const Value& value) { return !value.is(Kind::missing) && !value.is(Kind::none); }

inline Result<std::string_view> expect_text(const Value& value, std::string_view function) {
  if (value.is(Kind::string)) return value.str();
  return fail("{}() argument must be str, not {}", function, type_name(value));
}

inline Result<bool> truth_or(Runtime& rt, const Value& value, bool otherwise) {
  return given(value) ? truth(rt, value) : Result<bool>(otherwise);
}

}  // namespace mang::jinja
