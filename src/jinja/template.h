// Jinja2 templates as Hugging Face's chat templates use them: the whole language of jinja2 3.1 under
// ImmutableSandboxedEnvironment(trim_blocks, lstrip_blocks, loopcontrols) with transformers' tojson, raise_exception,
// strftime_now, namespace, dict and {% generation %}. The same template and context give the same bytes as Python.
//
// Not there, and said so when a template asks: other templates (include, import, extends: there is nothing to load),
// bytes and complex numbers. Nothing a template can say reaches files, the environment or the process.
//
//   MANG_TRY(auto page, jinja::Template::parse(source, "chat_template.jinja"));
//   MANG_TRY(std::string text, page.render(context, {}));
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "jinja/date_time.h"
#include "jinja/value.h"

namespace mang::jinja {

struct Program;

inline constexpr size_t kMaxTemplateBytes = size_t{1} << 20;

struct RenderOptions {
  uint64_t max_steps = 1'000'000;       // one node evaluated, one item handled, or 256 bytes copied
  size_t max_bytes = size_t{16} << 20;  // values and output of the render; the context does not count
  std::optional<uint32_t> deadline_ms;  // wall clock; none: the step limit alone bounds the time
  std::optional<DateTime> now;          // what strftime_now sees; none: a template that asks is an error
};

struct RenderStats {
  uint64_t steps = 0;
  size_t peak_bytes = 0;
};

class Template {
 public:
  // `name` stands in errors ("chat_template.jinja: line 3: …"). Sources over kMaxTemplateBytes are refused.
  static Result<Template> parse(std::string source, std::string name);

  // `context`: a dict of the template's variables. May be called from several threads at once, each with a context
  // of its own.
  [[nodiscard]] Result<std::string> render(const Value& context, const RenderOptions& options,
                                           RenderStats* stats = nullptr) const;

 private:
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace mang::jinja
