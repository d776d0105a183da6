// The fields of a JSON object from outside, each asked for once with its type checked; what is left at the end was not
// known. null counts as left out.
//
//   JsonFields fields(object, "request");
//   MANG_TRY(fields.real("temperature", temperature));  // unchanged where the field is absent
//   MANG_TRY(fields.all_known());
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace mang {

class JsonFields {
 public:
  // `what` names the object in errors; empty: it goes without saying. The object must outlive this.
  JsonFields(const Json& object, std::string_view what) : object_(object), what_(what) {}

  Result<void> flag(const char* name, bool& out);
  Result<void> flag(const char* name, std::optional<bool>& out);
  Result<void> text(const char* name, std::optional<std::string>& out);
  Result<void> text(const char* name, std::string& out);
  template <typename Float>
  Result<void> real(const char* name, Float& out) {
    std::optional<double> value;
    MANG_TRY(number(name, value));
    if (value) out = static_cast<typename Plain<Float>::Type>(*value);
    return {};
  }
  // A whole number that the type holds.
  template <typename Integer>
  Result<void> whole(const char* name, Integer& out) {
    using Type = typename Plain<Integer>::Type;
    const Json* value = find(name);
    if (!value) return {};
    const std::optional<Type> fits = whole_number<Type>(*value);
    if (!fits) return wrong(name, fail("a whole number in range"));
    out = *fits;
    return {};
  }

  // The field, which counts as asked for from now on; null: it is absent.
  const Json* find(const char* name);
  [[nodiscard]] Error wrong(const char* name, const Error& expected) const;
  // The names that nobody asked for.
  [[nodiscard]] std::vector<std::string> unknown() const;
  [[nodiscard]] Result<void> all_known() const;

 private:
  template <typename T>
  struct Plain {
    using Type = T;
  };
  template <typename T>
  struct Plain<std::optional<T>> {
    using Type = T;
  };
  template <typename Integer>
  static std::optional<Integer> whole_number(const Json& value) {
    using Limits = std::numeric_limits<Integer>;
    if (value.is_number_unsigned()) {
      const auto number = value.get<uint64_t>();
      if (number > static_cast<uint64_t>(Limits::max())) return std::nullopt;
      return static_cast<Integer>(number);
    }
    if (value.is_number_integer()) {
      const auto number = value.get<int64_t>();
      if (!Limits::is_signed || number < static_cast<int64_t>(Limits::min())) return std::nullopt;
      return static_cast<Integer>(number);
    }
    return std::nullopt;
  }
  Result<void> number(const char* name, std::optional<double>& out);

  const Json& object_;
  std::string what_;
  std::vector<std::string> asked_;
};

}  // namespace mang
