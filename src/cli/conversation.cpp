#include "cli/conversation.h"

#include <algorithm>

#include "base/units.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/messages.h"

namespace mang::cli {
namespace {

constexpr size_t kMaxMessage = 256 * kMiB;
constexpr std::string_view kFence = "\"\"\"";

// Where the user's lines come from: an editor where the terminal allows one.
class Keyboard {
 public:
  explicit Keyboard(Context& context)
      : context_(context),
        editor_(LineEditor::open(context.environment.get("TERM").value_or("").c_str())),
        plain_(kMaxMessage) {}

  using Outcome = LineEditor::Outcome;
  Result<Outcome> line(const std::string& prompt, std::string& text) {
    if (editor_) return editor_->next(prompt, text);
    fmt::print(stderr, "{}", prompt);
    std::fflush(stderr);
    MANG_TRY(bool more, plain_.next(text, [&] { return context_.out.flush(); }));
    return more ? Outcome::line : Outcome::end;
  }

  // A message: a line, or what stands between two \"\"\".
  Result<Outcome> message(std::string& text) {
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

 private:
  Outcome remembered(Outcome outcome, const std::string& text) {
    if (editor_ && outcome == Outcome::line && !text.empty()) editor_->remember(text);
    return outcome;
  }

  Context& context_;
  std::unique_ptr<LineEditor> editor_;
  LineReader plain_;
};

// A line that is a command and not a message: a slash and one word.
bool is_command(const std::string& text) {
  return text.size() > 1 && text.front() == '/' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '?'; });
}

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

void print_help() {
  print_error_line(
      tr("  /clear   begins a new conversation\n"
         "  /bye     ends the program, as Ctrl-D does\n"
         "  Ctrl-C   stops an answer; the conversation goes on\n"
         "  \"\"\"      begins and ends a message of several lines (pasted text needs no marks)\n"
         "  the arrow keys find earlier messages, Ctrl-R searches them"));
}

}  // namespace

ChatRequest new_conversation(const std::string& system) {
  ChatRequest request;
  if (!system.empty()) request.messages.push_back({{"role", "system"}, {"content", system}});
  request.now = jinja::DateTime::local_now();
  return request;
}

Result<int> converse(Answerer& answerer, const std::string& system, const RunOutput& options, Context& context) {
  print_error_line(tr("Write a message and press Enter. Ctrl-D or /bye ends, /help says more."));
  ChatRequest request = new_conversation(system);
  Keyboard keyboard(context);
  std::string text;
  for (;;) {
    MANG_TRY(const Keyboard::Outcome outcome, keyboard.message(text));
    if (outcome == Keyboard::Outcome::end) return context.interrupted.load() ? kExitInterrupted : kExitOk;
    if (outcome == Keyboard::Outcome::interrupted) {
      print_error_line(tr("(Ctrl-D or /bye ends the conversation.)"));
      continue;
    }
    if (text == "/bye") return kExitOk;
    if (blank(text)) continue;
    if (text == "/clear") {
      request = new_conversation(system);
      continue;
    }
    if (is_command(text)) {
      if (text != "/help" && text != "/?") print_error_line(say("mang: '{}' is no command. There are:", text));
      print_help();
      continue;
    }

    request.messages.push_back({{"role", "user"}, {"content", text}});
    Stream stream(context, options);
    Result<AnswerRecord> answer = answerer.chat(request, stream, context);
    stream.end_line();
    if (!answer.ok()) {
      request.messages.erase(request.messages.size() - 1);
      print_error(answer.error());
      print_error_line(tr("(The message was taken back. /clear begins a new conversation.)"));
      continue;
    }
    conclude(*answer, answerer, options, stream, context);
    MANG_TRY(context.out.flush());
    if (answer->done.reason == FinishReason::cancelled && !take_interrupt()) return kExitInterrupted;
    print_error_line("");
    request.messages.push_back({{"role", "assistant"}, {"content", answer->text}});
  }
}

}  // namespace mang::cli
