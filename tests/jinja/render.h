// Helpers of the tests here: render a template over a context written as JSON.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "base/json.h"
#include "chat/messages.h"
#include "jinja/template.h"

namespace mang::jinja {

inline RenderOptions fixed_now(RenderOptions options = {}) {
  options.now = DateTime{2026, 7, 29, 8, 5, 9};
  return options;
}

inline Result<std::string> try_render(std::string source, std::string_view context = "{}",
                                      const RenderOptions& options = fixed_now(), RenderStats* stats = nullptr) {
  MANG_TRY(Json json, parse_json(context, "context"));
  MANG_TRY(auto page, Template::parse(std::move(source), "t"));
  return page.render(to_template_value(json), options, stats);
}

inline std::string render(std::string source, std::string_view context = "{}") {
  auto text = try_render(std::move(source), context);
  REQUIRE_MESSAGE(text.ok(), (text.ok() ? "" : text.error().message));
  return *text;
}

// The message of the error that must come.
inline std::string error_of(std::string source, std::string_view context = "{}",
                            const RenderOptions& options = fixed_now()) {
  auto text = try_render(std::move(source), context, options);
  REQUIRE_MESSAGE(!text.ok(), "rendered: ", (text.ok() ? text->substr(0, 200) : ""));
  return text.error().message;
}

}  // namespace mang::jinja
