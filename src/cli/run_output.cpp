#include "cli/run_output.h"

#include <unistd.h>

#include "base/json.h"
#include "cli/messages.h"
#include "cli/statistics.h"

namespace mang::cli {
namespace {

constexpr int64_t kLongPrompt = 256;  // tokens; shorter ones are read in a moment

}  // namespace

Stream::Stream(Context& context, const RunOutput& options)
    : out_(context.out), silent_(options.json), raw_(options.raw), terminal_(context.out.is_terminal()) {}

void Stream::on_prompt(int64_t tokens) {
  if (tokens >= kLongPrompt) status_.emplace(say("Reading {} tokens …", tokens));
}

bool Stream::on_text(const std::string& text) {
  status_.reset();
  ends_line_ = text.back() == '\n';
  if (silent_) return true;
  out_.write(terminal_ ? without_terminal_controls(text) : text);
  return out_.flush().ok();
}

void Stream::end_line() {
  status_.reset();
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
