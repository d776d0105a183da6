#include "cli/keyboard.h"

#include "base/units.h"
#include "cli/slash_commands.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxMessage = 256 * kMiB;
constexpr std::string_view kFence = "\"\"\"";

}  // namespace

Keyboard::Keyboard(Context& context)
    : context_(context),
      editor_(LineEditor::open(context.environment.get("TERM").value_or("").c_str(), &slash_completions)),
      plain_(kMaxMessage) {}

Result<Keyboard::Outcome> Keyboard::line(const std::string& prompt, std::string& text) {
  if (editor_) return editor_->next(prompt, text);
  fmt::print(stderr, "{}", prompt);
  std::fflush(stderr);
  MANG_TRY(bool more, plain_.next(text, [&] { return context_.out.flush(); }));
  return more ? Outcome::line : Outcome::end;
}

Result<Keyboard::Outcome> Keyboard::message(std::string& text) {
  MANG_TRY(Outcome outcome, line("> ", text));
  if (outcome != Outcome::line || !text.starts_with(kFence)) return remembered(outcome, text);
  text.erase(0, kFence.size());
  while (!text.ends_with(kFence)) {
    std::string more;
    MANG_TRY(outcome, line(". ", more));
    if (outcome != Outcome::line) return outcome;
    text += "\n" + more;
  }
  text.resize(text.size() - kFence.size());
  return remembered(outcome, text);
}

Keyboard::Outcome Keyboard::remembered(Outcome outcome, const std::string& text) {
  if (editor_ && outcome == Outcome::line && !text.empty()) editor_->remember(text);
  return outcome;
}

}  // namespace mang::cli
