// Result<T>: a value, or an Error whose message says what went wrong, where, and what to do.
//
//   Result<int> parse(std::string_view s);
//   MANG_TRY(int n, parse(s));          // binds n, or returns the error to the caller
//   MANG_TRY(parse(s));                 // only passes the error on
//   return fail("{}: expected a number, found '{}'", where, s);
#pragma once

#include <fmt/core.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/sentence.h"

namespace mang {

struct Error {
  std::string message;                                 // one or two sentences, no trailing newline
  std::shared_ptr<const Sentence> sentence = nullptr;  // what the message was made of; null: it stands for itself

  // The same error with the place it happened in front: "model.gguf: tensor 'x': …".
  [[nodiscard]] Error in(std::string_view place) const;
};

// What the operating system says of an error number or code.
Error system_error(int number);
Error system_error(const std::error_code& code);

namespace detail {
// Errors are arguments like texts, except that a translation translates them too.
template <typename T>
using Formatted = std::conditional_t<std::is_same_v<std::remove_cvref_t<T>, Error>, const std::string&, T>;

template <typename T>
const auto& formatted(const T& argument) {
  if constexpr (std::is_same_v<T, Error>) {
    return argument.message;
  } else {
    return argument;
  }
}
template <typename T>
const Error* as_error(const T& argument) {
  if constexpr (std::is_same_v<T, Error>) {
    return &argument;
  } else {
    return nullptr;
  }
}

Error compose(fmt::string_view text, fmt::format_args arguments, std::initializer_list<const Error*> errors);
}  // namespace detail

// `text` is a literal. What stands in it in English words belongs to it, or comes as an Error: then it is translated.
template <typename... Args>
[[nodiscard]] Error fail(fmt::format_string<detail::Formatted<const Args&>...> text, const Args&... args) {
  return detail::compose(text, fmt::make_format_args(detail::formatted(args)...), {detail::as_error(args)...});
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::decay_t<U>, Error> &&
           !std::is_same_v<std::decay_t<U>, Result<T>>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    MANG_CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    MANG_CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    MANG_CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    MANG_CHECK(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { MANG_CHECK(ok()); }
  [[nodiscard]] const Error& error() const {
    MANG_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace mang

#define MANG_CONCAT_(a, b) a##b
#define MANG_CONCAT(a, b) MANG_CONCAT_(a, b)
#define MANG_TRY_VALUE_(tmp, declaration, ...)      \
  auto tmp = (__VA_ARGS__);                         \
  if (!tmp.ok()) return ::mang::Error(tmp.error()); \
  declaration = std::move(tmp).value()
#define MANG_TRY_VOID_(tmp, ...)                                                \
  do {                                                                          \
    if (auto tmp = (__VA_ARGS__); !tmp.ok()) return ::mang::Error(tmp.error()); \
  } while (false)
#define MANG_TRY_PICK_(a, b, c, d, e, f, name, ...) name
// MANG_TRY(declaration, expression) or MANG_TRY(expression). A call with commas needs no extra parentheses
// in the two-argument form up to four commas.
#define MANG_TRY(...)                                                                                               \
  MANG_TRY_PICK_(__VA_ARGS__, MANG_TRY_2_, MANG_TRY_2_, MANG_TRY_2_, MANG_TRY_2_, MANG_TRY_2_, MANG_TRY_1_, unused) \
  (__VA_ARGS__)
#define MANG_TRY_1_(expression) MANG_TRY_VOID_(MANG_CONCAT(mang_result_, __LINE__), expression)
#define MANG_TRY_2_(declaration, ...) MANG_TRY_VALUE_(MANG_CONCAT(mang_result_, __LINE__), declaration, __VA_ARGS__)
