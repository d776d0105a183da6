#include "cli/answer.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <span>

#include "chat/prompt_ids.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/progress.h"
#include "cli/receipt_prompt.h"
#include "cli/text_side.h"
#include "engine/model_draft.h"

namespace mang::cli {

namespace {

// The clock that stamps files, in its own steps: nanoseconds since 1970.
int64_t file_clock_ns() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

Result<Answerer> Answerer::open(const std::string& path, const AnswerOptions& options, const Context& context) {
  Answerer out;
  out.special_ = options.special;
  out.opened_ns_ = file_clock_ns();
  MANG_TRY(out.machine_, open_machine(options.device));
  {
    const StatusLine status(say("Loading {} …", std::filesystem::path(path).filename().string()));
    MANG_TRY(out.loaded_, load_model(path, *out.machine_.device, context.log));
  }
  MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(out.loaded_.text.tokenizer)));
  out.tokenizer_ = std::make_unique<Tokenizer>(std::move(tokenizer));
  MANG_TRY(out.sampling_, sampling_params(options.sampling, out.loaded_.text.generation));

  EngineOptions engine;
  engine.context = options.context;
  engine.kv_type = out.kv_type_ = options.device.kv_type();
  engine.arithmetic = options.device.arithmetic();
  engine.max_sequences = 1;
  engine.speculate = options.speculation.when();
  if (options.speculation.draft && engine.speculate != Speculate::off) {
    MANG_TRY(out.open_draft_model(*options.speculation.draft, context));
    engine.draft_model = out.draft_model_.get();
  }
  MANG_TRY(out.engine_, Engine::create(*out.loaded_.model, *out.machine_.device, out.tokenizer_.get(), engine));
  out.session_ = out.engine_->open_session();
  return out;
}

Result<void> Answerer::open_draft_model(const std::string& name, const Context& context) {
  MANG_TRY(const ModelRef ref, resolve_model(name, context));
  const StatusLine status(say("Loading {} …", std::filesystem::path(ref.path).filename().string()));
  MANG_TRY(LoadedModel draft, load_model(ref.path, *machine_.device, context.log));
  MANG_TRY(const Tokenizer tokenizer, Tokenizer::build(std::move(draft.text.tokenizer)));
  MANG_TRY(check_same_vocabulary(*tokenizer_, tokenizer));
  draft_model_ = std::move(draft.model);
  return {};
}

Result<AnswerRecord> Answerer::chat(const ChatRequest& request, Listener& listener, const Context& context) {
  MANG_TRY(const ChatTemplate* page, chat_template(!request.tools.is_null()));
  MANG_TRY(std::vector<int32_t> ids, chat_prompt_ids(*page, request, *tokenizer_));
  constexpr size_t kLast = 16;  // tokens, more than any mark has
  const std::span<const int32_t> all(ids);
  const std::string end = tokenizer_->decode(all.last(std::min(kLast, all.size())));
  ReasoningSplitter splitter(reasoning_left_open(end));
  MANG_TRY(AnswerRecord record,
           answer(std::move(ids), conversation_since(messages_, request.messages), &splitter, listener, context));
  record.source = chat_source(request, *page);
  messages_ = request.messages;
  return record;
}

Result<const ChatTemplate*> Answerer::chat_template(bool with_tools) {
  if (!template_) {
    MANG_TRY(template_, open_template(loaded_.text, loaded_.description.path, with_tools));
  }
  return &*template_;
}

Result<AnswerRecord> Answerer::continue_raw(const std::string& bytes, Listener& listener, const Context& context) {
  MANG_TRY(AnswerRecord record,
           answer(tokenizer_->encode(bytes, {.parse_special = special_, .add_special = true}),
                  messages_.is_null() ? Since::first : Since::cleared, nullptr, listener, context));
  record.source = raw_source(bytes);
  messages_ = Json::array();
  return record;
}

namespace {

// Where the events of an answer go.
class Recorder {
 public:
  Recorder(const Tokenizer& tokenizer, ReasoningSplitter* splitter, Answerer::Listener& listener)
      : tokenizer_(tokenizer), splitter_(splitter), listener_(listener) {}

  // False: nobody reads it.
  bool take(const Event& event) {
    if (const auto* token = std::get_if<TokenEvent>(&event)) {
      record.ids.push_back(token->id);
      return hand_out(token->text + std::string(mark_of(token->id)), false);
    }
    record.done = std::get<DoneEvent>(event);
    return hand_out(record.done.text, true);
  }

  AnswerRecord record;

 private:
  // Some models' marks are control tokens, which have no text.
  [[nodiscard]] std::string_view mark_of(int32_t id) const {
    const std::string_view text = splitter_ && tokenizer_.is_special(id) ? tokenizer_.token_text(id) : "";
    return is_reasoning_mark(text) ? text : "";
  }

  bool hand_out(const std::string& text, bool last) {
    if (!splitter_) return say_text(text);
    const bool thinking = splitter_->in_reasoning();
    ReasoningSplitter::Parts parts = splitter_->feed(text);
    if (last) {
      const ReasoningSplitter::Parts rest = splitter_->finish();
      parts.reasoning += rest.reasoning;
      parts.text += rest.text;
    }
    record.reasoning += parts.reasoning;
    bool read = true;
    if ((thinking && !last) || !parts.reasoning.empty()) read = listener_.on_reasoning(parts.reasoning);
    return say_text(parts.text) && read;
  }

  bool say_text(const std::string& text) {
    if (text.empty()) return true;
    record.text += text;
    return listener_.on_text(text);
  }

  const Tokenizer& tokenizer_;
  ReasoningSplitter* splitter_;
  Answerer::Listener& listener_;
};

}  // namespace

Result<AnswerRecord> Answerer::answer(std::vector<int32_t> ids, Since since, ReasoningSplitter* splitter,
                                      Listener& listener, const Context& context) {
  if (ids.empty()) return Error{tr("the prompt is empty. Give the model something to continue.")};
  Recorder recorder(*tokenizer_, splitter, listener);
  EnergyMeter meter("/sys");
  Request request;
  request.prompt = ids;
  request.sampling = sampling_;
  request.show_special = special_;
  request.session = session_;
  request.on_event = [&](RequestId id, const Event& event) {
    meter.sample();
    if (!recorder.take(event)) engine_->cancel(id);
  };
  listener.on_prompt(static_cast<int64_t>(request.prompt.size()));
  const WatchInterrupts watch;
  MANG_TRY(engine_->submit(std::move(request)));
  engine_->run_until_done(&context.interrupted);
  AnswerRecord& record = recorder.record;
  record.energy = meter.use();
  record.sampling = sampling_;
  record.reuse = explain_reuse(record.done.stats, since, ids, *tokenizer_);
  record.prompt = std::move(ids);
  if (record.done.reason == FinishReason::error) return *record.done.error;
  return std::move(record);
}

}  // namespace mang::cli
