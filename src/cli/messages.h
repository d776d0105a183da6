// Every sentence the command line says passes through tr() or say(), so that it can be translated in one place:
// the English text is the key, as in gettext. Numbers, names and texts of files are arguments, never glued on.
// The translations are vi/*.json; errors of the libraries are in them too (base/sentence.h).
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace mang::cli {

enum class Language { english, vietnamese };

// "vi", "vi_VN.UTF-8", "en", "C" …; nullopt: a language that is not spoken here.
std::optional<Language> parse_language(std::string_view name);

// The process's language, as setlocale's: set by main before anything is said, English until then.
void set_language(Language language);
Language language();

// The text in the user's language. A text without a translation stays English.
std::string_view translate(std::string_view english);

inline std::string tr(std::string_view english) { return std::string(translate(english)); }

// What an error says, in the user's language.
std::string message_of(const Error& error);

namespace detail {
template <typename T>
decltype(auto) spoken(const T& argument) {
  if constexpr (std::is_same_v<T, Error>) {
    return message_of(argument);
  } else {
    return (argument);
  }
}
}  // namespace detail

// A sentence with arguments: the English form is checked at compile time, the others by a test.
template <typename... Args>
std::string say(fmt::format_string<mang::detail::Formatted<const Args&>...> english, const Args&... args) {
  const fmt::string_view text = english;
  return [&](const auto&... spoken) {
    return fmt::vformat(fmt::string_view(translate({text.data(), text.size()})), fmt::make_format_args(spoken...));
  }(detail::spoken(args)...);
}

}  // namespace mang::cli
