// Any bytes as a chat template: refused with a sentence, or rendered within the limits, twice the same. Behind a zero
// byte, an input may hold the context as JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "chat/messages.h"
#include "jinja/template.h"
#include "jinja/unicode.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view kDefaultContext =
    R"({"messages": [{"role": "user", "content": "Xin chào 🎋"}, {"role": "assistant", "content": null, "n": -1.5}],)"
    R"( "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": [true, 18446744073709551615]}}}],)"
    R"( "bos_token": "<s>", "add_generation_prompt": true, "x": "abc", "l": [3, 1, 2], "d": {"a": 1}})";

mang::jinja::RenderOptions limits() {
  mang::jinja::RenderOptions options;
  options.max_steps = 20'000;  // small, so that a second holds many templates
  options.max_bytes = size_t{4} << 20;
  options.now = mang::jinja::DateTime{2026, 7, 29, 8, 5, 9};
  return options;
}

// What came of one render: the text, or why there is none.
std::string outcome(const mang::jinja::Template& page, const mang::Json& context) {
  const auto options = limits();
  mang::jinja::RenderStats stats;
  const auto text = page.render(mang::to_template_value(context), options, &stats);
  require(stats.steps <= options.max_steps);
  require(stats.peak_bytes <= options.max_bytes + (size_t{1} << 20));
  if (!text.ok()) {
    require(text.error().message.starts_with("fuzz: "));
    return text.error().message;
  }
  require(mang::jinja::unicode::is_valid(*text));
  return *text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  const auto json = zero == std::string_view::npos ? std::string_view() : input.substr(zero + 1);
  auto context = mang::parse_json(json.empty() ? kDefaultContext : json, "context");
  if (!context.ok() || !context->is_object()) context = mang::parse_json(kDefaultContext, "context");
  require(context.ok());

  const auto page = mang::jinja::Template::parse(std::string(input.substr(0, zero)), "fuzz");
  if (!page.ok()) {
    require(page.error().message.starts_with("fuzz: "));
    return 0;
  }
  require(outcome(*page, *context) == outcome(*page, *context));
  return 0;
}
