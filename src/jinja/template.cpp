#include "jinja/template.h"

#include <cstring>

#include "jinja/interpreter.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/resolver.h"
#include "jinja/unicode.h"

namespace mang::jinja {
namespace {

// Escapes such as "\ud83d" make half a character, which is no text.
bool has_surrogate(std::string_view text) {
  for (size_t at = 0; (at = text.find('\xED', at)) != std::string_view::npos; ++at) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) return true;
  }
  return false;
}

}  // namespace

Result<Template> Template::parse(std::string source, std::string name) {
  if (source.size() > kMaxTemplateBytes) {
    return fail("{}: the template has {} bytes, more than the {} that are accepted.", name, source.size(),
                kMaxTemplateBytes);
  }
  if (!unicode::is_valid(source)) return fail("{}: the template is not valid UTF-8.", name);
  auto program = [&]() -> Result<std::shared_ptr<const Program>> {
    MANG_TRY(auto tokens, tokenize(source));
    MANG_TRY(Body body, Parser(std::move(tokens)).parse_template());
    return resolve_program(std::move(body), name);
  }();
  if (!program) return program.error().in(name);
  return Template(*std::move(program));
}

Result<std::string> Template::render(const Value& context, const RenderOptions& options, RenderStats* stats) const {
  MANG_CHECK(context.is(Kind::dict));
  Runtime rt(options);
  auto text = Interpreter(rt, *program_, context.dict()).render();
  if (stats) *stats = {rt.steps(), rt.memory.peak};
  if (!text) return fail("{}: line {}: {}", program_->name, rt.line, text.error());
  if (has_surrogate(*text))
    return fail("{}: the rendered text holds half a character (a lone surrogate).", program_->name);
  return text;
}

}  // namespace mang::jinja
