// A model ready to answer, and one answer at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/energy.h"
#include "base/result.h"
#include "chat/reasoning.h"
#include "chat/template.h"
#include "cli/context.h"
#include "cli/device_options.h"
#include "cli/reuse.h"
#include "cli/sampling_options.h"
#include "cli/speculation_options.h"
#include "engine/engine.h"
#include "load/load_model.h"
#include "text/tokenizer.h"

namespace mang::cli {

struct AnswerOptions {
  DeviceOptions device;
  SamplingOptions sampling;
  SpeculationOptions speculation;
  int64_t context = 0;   // longest conversation in tokens; 0: the model's own
  bool special = false;  // control tokens written in a raw prompt are read as such, and shown in answers
};

// A receipt that was written (cli/receipts.h).
struct ReceiptNote {
  std::string path;
  double seconds = 0;         // all of it
  double digest_seconds = 0;  // of that, knowing the model by its digest
};

struct AnswerRecord {
  std::string reasoning;  // thought before the answer; empty: none (chat/reasoning.h)
  std::string text;
  std::vector<int32_t> ids;
  DoneEvent done;
  Reuse reuse;
  EnergyUse energy;
  // What determined it.
  Json source;                  // of the prompt (cli/receipt_prompt.h)
  std::vector<int32_t> prompt;  // ids
  SamplingParams sampling;
  std::optional<ReceiptNote> receipt;
};

class Answerer {
 public:
  static Result<Answerer> open(const std::string& path, const AnswerOptions& options, const Context& context);

  // The answer to a rendered conversation, or the continuation of raw bytes. `listener` gets the text as it comes; when
  // it returns false the answer is stopped.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_prompt(int64_t tokens) = 0;  // before the prompt is read
    virtual bool on_text(const std::string& text) = 0;
    // Once for each token of what is thought before the answer; `text` may be empty, while it is not certain.
    virtual bool on_reasoning(const std::string& text) = 0;
  };
  Result<AnswerRecord> chat(const ChatRequest& request, Listener& listener, const Context& context);
  Result<AnswerRecord> continue_raw(const std::string& bytes, Listener& listener, const Context& context);

  // How the next answers are drawn.
  void set_sampling(SamplingParams sampling) { sampling_ = std::move(sampling); }
  // The template for requests with or without tools; an error where the model has none.
  Result<const ChatTemplate*> chat_template(bool with_tools = false);

  [[nodiscard]] const LoadedModel& loaded() const { return loaded_; }
  [[nodiscard]] const Tokenizer& tokenizer() const { return *tokenizer_; }
  [[nodiscard]] const Engine& engine() const { return *engine_; }
  [[nodiscard]] const SamplingParams& sampling() const { return sampling_; }
  [[nodiscard]] const Machine& machine() const { return machine_; }
  [[nodiscard]] KvType kv_type() const { return kv_type_; }
  [[nodiscard]] bool special() const { return special_; }
  // When the model's files were about to be read: a file that changed later may not be what answered.
  [[nodiscard]] int64_t opened_ns() const { return opened_ns_; }

 private:
  Answerer() = default;
  Result<void> open_draft_model(const std::string& name, const Context& context);
  // splitter: tells reasoning and answer apart; null: everything is the answer.
  Result<AnswerRecord> answer(std::vector<int32_t> ids, Since since, ReasoningSplitter* splitter, Listener& listener,
                              const Context& context);

  // In this order: what is below refers to what is above.
  Machine machine_;
  LoadedModel loaded_;
  std::unique_ptr<Model> draft_model_;  // null: drafts are looked up
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Engine> engine_;
  SessionId session_ = 0;
  SamplingParams sampling_;
  std::optional<ChatTemplate> template_;  // made when first asked for
  KvType kv_type_ = KvType::f16;
  bool special_ = false;
  int64_t opened_ns_ = 0;
  Json messages_;  // of the request before; null: there was none
};

}  // namespace mang::cli
