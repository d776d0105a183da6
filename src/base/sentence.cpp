#include "base/sentence.h"

#include <fmt/format.h>

#include <cstring>

#include "base/result.h"

namespace mang {
namespace {

constexpr int kDeepest = 32;  // errors within errors; more would be a mistake of ours

// Walks a text with {} fields: `literal` gets what stands between them, `field` each field's number and what follows
// its colon, colon included. A text that is not well formed stays as it is from there on.
template <typename Literal, typename Field>
void walk(std::string_view text, Literal literal, Field field) {
  size_t next = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t brace = text.find_first_of("{}", at);
    if (brace == std::string_view::npos) return literal(text.substr(at));
    literal(text.substr(at, brace - at));
    if (text.substr(brace, 2) == "{{" || text.substr(brace, 2) == "}}") {
      literal(text.substr(brace, 1));
      at = brace + 2;
      continue;
    }
    const size_t end = text.find('}', brace);
    if (end == std::string_view::npos) return literal(text.substr(brace));
    const std::string_view inside = text.substr(brace + 1, end - brace - 1);
    const std::string_view number = inside.substr(0, inside.find(':'));
    size_t index = next;
    if (number.empty()) {
      ++next;
    } else {
      index = 0;
      for (char digit : number) index = index * 10 + static_cast<size_t>(digit - '0');
    }
    field(index, inside.substr(number.size()));
    at = end + 1;
  }
}

std::string translated(std::string_view message, const Sentence* sentence, const Translation& translation, int depth) {
  if (sentence == nullptr || depth > kDeepest) return std::string(translation(message));
  std::string out;
  walk(
      translation(sentence->text), [&](std::string_view literal) { out += literal; },
      [&](size_t index, std::string_view) {
        if (index >= sentence->arguments.size()) return;
        const Sentence::Argument& argument = sentence->arguments[index];
        out += argument.translatable ? translated(argument.text, argument.sentence.get(), translation, depth + 1)
                                     : argument.text;
      });
  return out;
}

}  // namespace

std::string translated(const Error& error, const Translation& translation) {
  return translated(error.message, error.sentence.get(), translation, 0);
}

Error Error::in(std::string_view place) const { return fail("{}: {}", place, *this); }

Error system_error(int number) { return Error{std::strerror(number)}; }
Error system_error(const std::error_code& code) { return Error{code.message()}; }

Error detail::compose(fmt::string_view text, fmt::format_args arguments, std::initializer_list<const Error*> errors) {
  auto sentence = std::make_shared<Sentence>();
  sentence->text = {text.data(), text.size()};
  sentence->arguments.resize(errors.size());
  for (size_t i = 0; i < errors.size(); ++i) {
    const Error* error = errors.begin()[i];
    if (error == nullptr) continue;
    sentence->arguments[i].translatable = true;
    sentence->arguments[i].sentence = error->sentence;
  }
  std::string message;
  walk(
      sentence->text, [&](std::string_view literal) { message += literal; },
      [&](size_t index, std::string_view specification) {
        std::string rendered = fmt::vformat(fmt::format("{{{}{}}}", index, specification), arguments);
        message += rendered;
        sentence->arguments[index].text = std::move(rendered);
      });
  return Error{std::move(message), std::move(sentence)};
}

}  // namespace mang
