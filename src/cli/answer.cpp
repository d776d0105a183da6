#include "cli/answer.h"

#include <filesystem>

#include "chat/prompt_ids.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/text_side.h"

namespace mang::cli {

Result<Answerer> Answerer::open(const std::string& path, const AnswerOptions& options, const Context& context) {
  Answerer out;
  out.special_ = options.special;
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
  MANG_TRY(out.engine_, Engine::create(*out.loaded_.model, *out.machine_.device, out.tokenizer_.get(), engine));
  out.session_ = out.engine_->open_session();
  return out;
}

Result<AnswerRecord> Answerer::chat(const ChatRequest& request, Listener& listener, const Context& context) {
  if (!template_) {
    MANG_TRY(template_, open_template(loaded_.text, loaded_.description.path, !request.tools.is_null()));
  }
  MANG_TRY(std::vector<int32_t> ids, chat_prompt_ids(*template_, request, *tokenizer_));
  MANG_TRY(AnswerRecord record,
           answer(std::move(ids), conversation_since(messages_, request.messages), listener, context));
  messages_ = request.messages;
  return record;
}

Result<AnswerRecord> Answerer::continue_raw(const std::string& bytes, Listener& listener, const Context& context) {
  MANG_TRY(AnswerRecord record, answer(tokenizer_->encode(bytes, {.parse_special = special_, .add_special = true}),
                                       messages_.is_null() ? Since::first : Since::cleared, listener, context));
  messages_ = Json::array();
  return record;
}

Result<AnswerRecord> Answerer::answer(std::vector<int32_t> ids, Since since, Listener& listener,
                                      const Context& context) {
  if (ids.empty()) return Error{tr("the prompt is empty. Give the model something to continue.")};
  AnswerRecord record;
  EnergyMeter meter("/sys");
  Request request;
  request.prompt = ids;
  request.sampling = sampling_;
  request.show_special = special_;
  request.session = session_;
  request.on_event = [&](RequestId id, const Event& event) {
    meter.sample();
    const std::string* text = nullptr;
    if (const auto* token = std::get_if<TokenEvent>(&event)) {
      record.ids.push_back(token->id);
      text = &token->text;
    } else {
      record.done = std::get<DoneEvent>(event);
      text = &record.done.text;
    }
    if (text->empty()) return;
    record.text += *text;
    if (!listener.on_text(*text)) engine_->cancel(id);
  };
  listener.on_prompt(static_cast<int64_t>(request.prompt.size()));
  const WatchInterrupts watch;
  MANG_TRY(engine_->submit(std::move(request)));
  engine_->run_until_done(&context.interrupted);
  record.energy = meter.use();
  record.reuse = explain_reuse(record.done.stats, since, ids, *tokenizer_);
  if (record.done.reason == FinishReason::error) return *record.done.error;
  return record;
}

}  // namespace mang::cli
