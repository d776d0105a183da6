#include "cli/run_output.h"

#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/memory_use.h"
#include "cli/messages.h"
#include "cli/page.h"
#include "kernels/isa.h"

namespace mang::cli {
namespace {

constexpr int64_t kLongPrompt = 256;  // tokens; shorter ones are read in a moment

std::string why_it_ended(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop_token:
      return tr("stop token");
    case FinishReason::stop_string:
      return tr("stop string");
    case FinishReason::max_tokens:
      return tr("max tokens");
    case FinishReason::context_full:
      return tr("context full");
    case FinishReason::cancelled:
      return tr("cancelled");
    case FinishReason::error:
      break;
  }
  return tr("error");
}

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
  row(tr("ended by"), why_it_ended(record.done.reason));
  row(tr("seed"), fmt::format("{}", answerer.sampling().seed));
  print_error_line("\n" + page.text().substr(0, page.text().size() - 1));
}

Json to_json(const AnswerRecord& record, const Answerer& answerer, const std::string& model) {
  const MemoryUse memory = memory_use();
  const RequestStats& stats = record.done.stats;
  return {{"model", model},
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
