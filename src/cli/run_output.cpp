#include "cli/run_output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

#include "base/json.h"
#include "cli/messages.h"
#include "cli/statistics.h"

namespace mang::cli {
namespace {

constexpr int64_t kLongPrompt = 256;  // tokens; shorter ones are read in a moment

size_t terminal_rows() {
  constexpr size_t kUsual = 24;
  struct winsize size = {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : kUsual;
}

}  // namespace

Stream::Stream(Context& context, const RunOutput& options)
    : out_(context.out),
      silent_(options.json),
      raw_(options.raw),
      terminal_(context.out.is_terminal()),
      hide_thinking_(options.hide_thinking),
      show_thinking_(options.show_thinking) {
  const std::string name = context.environment.get("TERM").value_or("dumb");
  escapes_ = terminal_ && name != "dumb";
  colour_ = escapes_ && !context.environment.get("NO_COLOR");
  markdown_ = escapes_ && !options.plain && !raw_;
}

void Stream::on_prompt(int64_t tokens) {
  if (tokens >= kLongPrompt) status_.emplace(say("Reading {} tokens …", tokens));
}

void Stream::write(const std::string& text, Style style) {
  ends_line_ = text.back() == '\n';
  if (markdown_) {
    if (!page_) {
      page_.emplace(MarkdownOptions{out_.width(), terminal_rows(), colour_, style});
    }
    out_.write(page_->feed(text));
  } else if (style != 0 && escapes_) {
    out_.write(style_sequence(style, colour_) + without_terminal_controls(text) + style_sequence(0, colour_));
  } else {
    out_.write(terminal_ ? without_terminal_controls(text) : text);
  }
}

void Stream::finish_markdown() {
  if (!page_) return;
  out_.write(page_->finish());
  page_.reset();
  ends_line_ = true;
}

bool Stream::shows_thinking() const { return !hide_thinking_ && (terminal_ || show_thinking_); }

bool Stream::on_reasoning(const std::string& text) {
  status_.reset();
  if (silent_) return true;
  if (!thinking_) {
    thinking_ = true;
    thought_tokens_ = 0;
    thinking_since_ = std::chrono::steady_clock::now();
    if (shows_thinking() && !escapes_) out_.write("<think>\n");
  }
  ++thought_tokens_;
  if (!shows_thinking()) {
    count_thinking();
    return true;
  }
  if (!text.empty()) write(text, kDim);
  return out_.flush().ok();
}

// "Thinking … 12 s, 240 tokens", on the one line.
void Stream::count_thinking() {
  constexpr auto kOften = std::chrono::milliseconds(200);
  const auto now = std::chrono::steady_clock::now();
  if (::isatty(STDERR_FILENO) != 1 || now - said_ < kOften) return;
  said_ = now;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - thinking_since_).count();
  fmt::print(stderr, "\r\033[K{}", say("Thinking … {} s, {} tokens", seconds, thought_tokens_));
  std::fflush(stderr);
}

void Stream::end_reasoning() {
  if (!std::exchange(thinking_, false)) return;
  if (!shows_thinking()) {
    if (::isatty(STDERR_FILENO) != 1) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - thinking_since_).count();
    fmt::print(stderr, "\r\033[K");
    print_error_line(say("Thought for {:.0f} s, {} tokens.", seconds, thought_tokens_));
    return;
  }
  finish_markdown();
  if (!ends_line_) out_.write("\n");
  out_.write(escapes_ ? "\n" : "</think>\n\n");
  ends_line_ = true;
}

bool Stream::on_text(const std::string& text) {
  status_.reset();
  if (silent_) return true;
  end_reasoning();
  write(text, 0);
  return out_.flush().ok();
}

void Stream::end_line() {
  status_.reset();
  end_reasoning();
  finish_markdown();
  if (!silent_ && !ends_line_ && (!raw_ || terminal_)) out_.write("\n");
  ends_line_ = true;
}

void conclude(const AnswerRecord& record, const Answerer& answerer, const RunOutput& options, Stream& stream,
              Context& context) {
  stream.end_line();
  if (options.json) {
    context.out.write(dump_json(statistics_json(record, answerer, options.price, context.settings, options.model)));
    context.out.write("\n");
  }
  (void)context.out.flush().ok();  // an error is told by the last flush
  if (record.done.reason == FinishReason::context_full) {
    print_error_line(say("mang: the answer was cut: the context of {} tokens is full.", answerer.engine().context()));
  }
  if (options.verbose) {
    const std::string page =
        statistics_page(record, answerer, options.price, context.settings, terminal_width(STDERR_FILENO));
    print_error_line("\n" + page.substr(0, page.size() - 1));
  }
}

}  // namespace mang::cli
