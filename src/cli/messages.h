// Every sentence the command line says passes through tr() or say(), so that it can be translated in one place:
// the English text is the key, as in gettext. Numbers, names and texts of files are arguments, never glued on.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace mang::cli {

// The text in the user's language; today English is the only one.
std::string_view translate(std::string_view english);

inline std::string tr(std::string_view english) { return std::string(translate(english)); }

// A sentence with arguments: the English form is checked at compile time.
template <typename... Args>
std::string say(fmt::format_string<Args...> english, Args&&... args) {
  const fmt::string_view text = english;
  return fmt::vformat(fmt::string_view(translate({text.data(), text.size()})), fmt::make_format_args(args...));
}

}  // namespace mang::cli
