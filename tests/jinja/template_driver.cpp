// Renders templates for tools/compare_templates.py: one JSON object a line in, one a line out.
//   {"template": "…", "context": {…}, "now": "2026-07-29T08:30:00"}  →  {"ok": "…"} or {"error": "…"}
//   {"chat": "…", "messages": […], "tools": …, "special": {…}, "add_generation_prompt": …, "variables": {…}}
// The optional "limits": {"steps", "bytes", "ms"} apply; "stats": true adds the steps, the peak of memory and the
// processor's milliseconds (of a chat: of its rendering alone).
#include <ctime>
#include <iostream>
#include <string>

#include "base/json.h"
#include "chat/messages.h"
#include "chat/template.h"
#include "jinja/template.h"

namespace {

using mang::Json;
using mang::Result;

double milliseconds_since(std::clock_t start) {
  return 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

Result<std::string> render_template(const Json& request, mang::jinja::RenderStats& stats, double& ms) {
  mang::jinja::RenderOptions options;
  if (request.contains("now")) {
    MANG_TRY(options.now, mang::jinja::DateTime::parse_iso8601(request["now"].get<std::string>()));
  }
  if (request.contains("limits")) {
    options.max_steps = request["limits"].value("steps", options.max_steps);
    options.max_bytes = request["limits"].value("bytes", options.max_bytes);
    if (request["limits"].contains("ms")) options.deadline_ms = request["limits"]["ms"].get<uint32_t>();
  }
  const std::clock_t start = std::clock();
  auto text = [&]() -> Result<std::string> {
    MANG_TRY(auto page, mang::jinja::Template::parse(request["template"].get<std::string>(), "template"));
    return page.render(mang::to_template_value(request.value("context", Json::object())), options, &stats);
  }();
  ms = milliseconds_since(start);
  return text;
}

Result<std::string> render_chat(const Json& request, double& ms) {
  mang::SpecialTokens tokens;
  const Json special = request.value("special", Json::object());
  for (const auto& [name, token] : special.items()) tokens[name] = token.get<std::string>();
  MANG_TRY(auto chat, mang::ChatTemplate::create(request["chat"].get<std::string>(), "chat template", tokens));
  mang::ChatRequest in;
  MANG_TRY(in.messages, mang::parse_messages(request["messages"].dump(), "messages"));
  in.tools = request.value("tools", Json());
  in.documents = request.value("documents", Json());
  in.add_generation_prompt = request.value("add_generation_prompt", false);
  in.variables = request.value("variables", Json::object());
  if (request.contains("now")) {
    MANG_TRY(in.now, mang::jinja::DateTime::parse_iso8601(request["now"].get<std::string>()));
  }
  const std::clock_t start = std::clock();
  auto text = chat.render(in);
  ms = milliseconds_since(start);
  return text;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    auto request = mang::parse_json(line, "request", 512);
    if (!request) {
      std::cout << mang::dump_json(Json{{"error", request.error().message}, {"bad_request", true}}) << "\n";
      continue;
    }
    mang::jinja::RenderStats stats;
    double ms = 0;
    const auto text = request->contains("chat") ? render_chat(*request, ms) : render_template(*request, stats, ms);
    Json answer = text.ok() ? Json{{"ok", *text}} : Json{{"error", text.error().message}};
    if (request->value("stats", false)) {
      answer["steps"] = stats.steps;
      answer["peak_bytes"] = stats.peak_bytes;
      answer["ms"] = ms;
    }
    std::cout << mang::dump_json(answer) << "\n" << std::flush;
  }
  return 0;
}
