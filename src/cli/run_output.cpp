#include "cli/run_output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

#include "base/json.h"
#include "base/units.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/page.h"
#include "kernels/isa.h"

namespace mang::cli {
namespace {

constexpr int64_t kLongPrompt = 256;  // tokens; shorter ones are read in a moment

void print_statistics(const AnswerRecord& record, const Answerer& answerer) {
  const RequestStats& stats = record.done.stats;
  const MemoryUse memory = memory_use();
  const ModelInfo& info = answerer.loaded().model->info();
  Page page(2, 12, terminal_width(STDERR_FILENO));
  auto row = [&](const std::string& label, const std::string& value) { page.row(label, value); };
  row(tr("model"), say("{}, {} parameters", info.architecture, human_count(info.parameters)));
  row(tr("file"), answerer.loaded().description.path);
  row(tr("machine"),
      say("{} threads, {}", answerer.machine().device->threads(), isa_name(answerer.machine().device->isa())));
  const std::string cached = stats.cached_tokens > 0 ? say(" and {} known before", stats.cached_tokens) : "";
  row(tr("prompt"), say("{} tokens{} in {:.3f} s, {:.1f} tokens/s", stats.prompt_tokens - stats.cached_tokens, cached,
                        stats.prefill_seconds, stats.prefill_speed()));
  row(tr("answer"), say("{} tokens in {:.3f} s, {:.1f} tokens/s", stats.generated_tokens, stats.decode_seconds,
                        stats.decode_speed()));
  row(tr("first token"), say("after {:.3f} s", stats.ttft_seconds));
  row(tr("memory"), say("{} resident, {} at most", human_bytes(memory.resident), human_bytes(memory.peak)));
  row(tr("KV cache"),
      say("{}, {} when all {} tokens of the context are used", kv_type_name(answerer.kv_type()),
          human_bytes(static_cast<uint64_t>(answerer.engine().kv_bytes())), answerer.engine().context()));
  row(tr("ended by"), tr(finish_reason_name(record.done.reason)));
  row(tr("seed"), fmt::format("{}", answerer.sampling().seed));
  print_error_line("\n" + page.text().substr(0, page.text().size() - 1));
}

size_t terminal_rows() {
  constexpr size_t kUsual = 24;
  struct winsize size = {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : kUsual;
}

Json to_json(const AnswerRecord& record, const Answerer& answerer, const std::string& model) {
  const MemoryUse memory = memory_use();
  const RequestStats& stats = record.done.stats;
  return {{"model", model},
          {"reasoning", record.reasoning},
          {"text", record.text},
          {"ids", record.ids},
          {"finish_reason", std::string(finish_reason_name(record.done.reason))},
          {"prompt_tokens", stats.prompt_tokens},
          {"cached_tokens", stats.cached_tokens},
          {"generated_tokens", stats.generated_tokens},
          {"prefill_seconds", stats.prefill_seconds},
          {"decode_seconds", stats.decode_seconds},
          {"ttft_seconds", stats.ttft_seconds},
          {"prefill_tokens_per_second", stats.prefill_speed()},
          {"decode_tokens_per_second", stats.decode_speed()},
          {"seed", answerer.sampling().seed},
          {"context", answerer.engine().context()},
          {"threads", answerer.machine().device->threads()},
          {"isa", std::string(isa_name(answerer.machine().device->isa()))},
          {"kv", std::string(kv_type_name(answerer.kv_type()))},
          {"kv_bytes", answerer.engine().kv_bytes()},
          {"resident_bytes", memory.resident},
          {"peak_resident_bytes", memory.peak}};
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
    context.out.write(dump_json(to_json(record, answerer, options.model)));
    context.out.write("\n");
  }
  (void)context.out.flush().ok();  // an error is told by the last flush
  if (record.done.reason == FinishReason::context_full) {
    print_error_line(say("mang: the answer was cut: the context of {} tokens is full.", answerer.engine().context()));
  }
  if (options.verbose) print_statistics(record, answerer);
}

}  // namespace mang::cli
