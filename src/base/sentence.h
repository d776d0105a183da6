// What a message was made of: its text before the arguments were put in, and the arguments. Whoever speaks another
// language than English makes the message anew from a translation of that text (cli/messages.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mang {

struct Error;

struct Sentence {
  struct Argument {
    std::string text;                          // as it stands in the English message
    bool translatable = false;                 // it was an Error, and not a name or a number
    std::shared_ptr<const Sentence> sentence;  // of that error; null: its text stands for itself
  };
  std::string_view text;  // a literal of the program, with {} where the arguments go
  std::vector<Argument> arguments;
};

// The translation of a text of the program; the text itself where there is none.
using Translation = std::function<std::string_view(std::string_view english)>;

// The error's message in another language: its text and, within it, those of the errors it passes on.
std::string translated(const Error& error, const Translation& translation);

}  // namespace mang
