// mang worker: a model for another program, asked and answering in lines of JSON over pipes (docs/python.md). Requests
// are worked on together; a request's answer does not depend on the others.
#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "base/units.h"
#include "chat/prompt_ids.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/model_ref.h"
#include "cli/sampling_options.h"
#include "cli/text_side.h"
#include "cli/version.h"
#include "cli/worker_inbox.h"
#include "cli/worker_request.h"
#include "engine/collect_logits.h"
#include "engine/engine.h"
#include "kernels/isa.h"
#include "load/load_model.h"

namespace mang::cli {
namespace {

constexpr int kProtocol = 1;
constexpr size_t kMaxLine = 64 * kMiB;
constexpr int64_t kLogitsChunk = 512;                       // tokens in one forward
constexpr size_t kMostWaiting = 4096, kMostRunning = 1024;  // requests; more stay in the pipe
constexpr size_t kFrameBytes = 4 * kMiB;                    // of logits, about: a frame holds whole rows

struct Options {
  std::string model;
  int64_t context = 0;
  int sequences = 8;
  DeviceOptions device;
};

class Worker {
 public:
  static Result<std::unique_ptr<Worker>> open(const Options& options, Context& context);

  // Until standard input ends and all is answered.
  Result<int> serve();

 private:
  explicit Worker(Context& context) : context_(context), inbox_(kMaxLine) {}

  Result<void> hear(bool wait);
  void handle(const Json& line);
  Result<void> start(WorkerRequest request);
  Result<void> generate(WorkerRequest request);
  Result<void> tokenize(const WorkerRequest& request);
  Result<void> detokenize(const WorkerRequest& request);
  Result<void> logits(const WorkerRequest& request);
  Result<const ChatTemplate*> chat_template(bool with_tools);
  [[nodiscard]] std::vector<int32_t> ids_of(const WorkerRequest& request) const;

  void on_event(int64_t id, const Event& event);
  void tell(Json event);
  void refuse(std::optional<int64_t> id, const std::string& error);

  Context& context_;
  DeviceOptions device_;
  // In this order: what is below refers to what is above.
  Machine machine_;
  LoadedModel loaded_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Engine> engine_;
  SamplingParams defaults_;
  std::map<bool, ChatTemplate> templates_;  // with tools or without; made when first asked for

  WorkerInbox inbox_;
  int64_t heard_ = 0;                     // lines
  std::deque<Json> waiting_;              // heard and not yet begun
  std::map<int64_t, RequestId> running_;  // what the engine works on
  std::optional<int64_t> computing_;      // the request whose logits are being formed
  bool cancelled_ = false;                // … which is no longer wanted
};

Result<std::unique_ptr<Worker>> Worker::open(const Options& options, Context& context) {
  std::unique_ptr<Worker> out(new Worker(context));
  out->device_ = options.device;
  MANG_TRY(ModelRef ref, resolve_model(options.model, context));
  MANG_TRY(out->machine_, open_machine(options.device));
  MANG_TRY(out->loaded_, load_model(ref.path, *out->machine_.device, context.log));
  MANG_TRY(Tokenizer tokenizer, Tokenizer::build(std::move(out->loaded_.text.tokenizer)));
  out->tokenizer_ = std::make_unique<Tokenizer>(std::move(tokenizer));
  MANG_TRY(out->defaults_, sampling_params(SamplingOptions{}, out->loaded_.text.generation));

  EngineOptions engine;
  engine.context = options.context;
  engine.kv_type = options.device.kv_type();
  engine.arithmetic = options.device.arithmetic();
  engine.max_sequences = options.sequences;
  MANG_TRY(out->engine_,
           Engine::create(*out->loaded_.model, *out->machine_.device, out->tokenizer_.get(), std::move(engine)));

  const ModelInfo& info = out->loaded_.model->info();
  out->tell({{"event", "ready"},
             {"protocol", kProtocol},
             {"version", kVersion},
             {"path", ref.path},
             {"architecture", info.architecture},
             {"parameters", info.parameters},
             {"vocabulary", info.vocab},
             {"context", out->engine_->context()},
             {"threads", out->machine_.device->threads()},
             {"isa", std::string(isa_name(out->machine_.device->isa()))},
             {"kv", std::string(kv_type_name(options.device.kv_type()))}});
  return out;
}

void Worker::tell(Json event) {
  context_.out.write(dump_json(event));
  context_.out.write("\n");
}

void Worker::refuse(std::optional<int64_t> id, const std::string& error) {
  Json event = {{"id", id ? Json(*id) : Json()}, {"event", "error"}, {"error", error}};
  if (!id) event["line"] = heard_;
  tell(std::move(event));
}

// Takes what came. A cancellation is obeyed at once, everything else waits its turn.
Result<void> Worker::hear(bool wait) {
  if (waiting_.size() >= kMostWaiting) return {};
  MANG_TRY(inbox_.listen(wait));
  for (WorkerInbox::Line line; waiting_.size() < kMostWaiting && inbox_.take(line);) {
    ++heard_;
    if (line.too_long) {
      refuse(std::nullopt, say("a request may have {} at most.", human_bytes(kMaxLine)));
      continue;
    }
    Result<Json> json = parse_json(line.text, tr("request"));
    if (!json.ok()) {
      refuse(std::nullopt, message_of(json.error()));
      continue;
    }
    const std::optional<int64_t> id = worker_request_id(*json);
    const auto verb = json->is_object() ? json->find("do") : json->end();
    if (!id || verb == json->end() || *verb != "cancel") {
      waiting_.push_back(std::move(json).value());
    } else if (const auto found = running_.find(*id); found != running_.end()) {
      engine_->cancel(found->second);
    } else if (computing_ == id) {
      cancelled_ = true;
    } else {
      const auto wanted = [&](const Json& each) { return worker_request_id(each) == id; };
      const auto at = std::find_if(waiting_.begin(), waiting_.end(), wanted);
      if (at == waiting_.end()) continue;  // answered already
      waiting_.erase(at);
      tell({{"id", *id},
            {"event", "done"},
            {"finish_reason", std::string(finish_reason_name(FinishReason::cancelled))}});
    }
  }
  return {};
}

void Worker::handle(const Json& line) {
  Result<WorkerRequest> request = parse_worker_request(line, defaults_);
  const Result<void> started = request.ok() ? start(std::move(request).value()) : Result<void>(request.error());
  if (!started.ok()) refuse(worker_request_id(line), message_of(started.error()));
}

Result<void> Worker::start(WorkerRequest request) {
  if (running_.contains(request.id)) return Error{say("a request with the id {} is under way.", request.id)};
  switch (request.verb) {
    case WorkerVerb::generate:
      return generate(std::move(request));
    case WorkerVerb::tokenize:
      return tokenize(request);
    case WorkerVerb::detokenize:
      return detokenize(request);
    case WorkerVerb::logits:
      return logits(request);
    case WorkerVerb::cancel:  // obeyed in hear()
      break;
  }
  return {};
}

Result<const ChatTemplate*> Worker::chat_template(bool with_tools) {
  if (const auto found = templates_.find(with_tools); found != templates_.end()) return &found->second;
  MANG_TRY(ChatTemplate made, open_template(loaded_.text, loaded_.description.path, with_tools));
  return &templates_.emplace(with_tools, std::move(made)).first->second;
}

std::vector<int32_t> Worker::ids_of(const WorkerRequest& request) const {
  if (request.ids) return *request.ids;
  const bool continued = request.verb == WorkerVerb::generate;  // as `mang run --raw` does
  return tokenizer_->encode(*request.text,
                            {.parse_special = request.special, .add_special = request.add_special || continued});
}

Result<void> Worker::generate(WorkerRequest request) {
  Request wanted;
  if (request.chat) {
    MANG_TRY(const ChatTemplate* page, chat_template(!request.chat->tools.is_null()));
    MANG_TRY(wanted.prompt, chat_prompt_ids(*page, *request.chat, *tokenizer_));
  } else {
    wanted.prompt = ids_of(request);
  }
  if (wanted.prompt.empty()) return Error{tr("the prompt is empty. Give the model something to continue.")};
  wanted.sampling = std::move(request.sampling);
  wanted.show_special = request.special;
  wanted.on_event = [this, id = request.id](RequestId, const Event& event) { on_event(id, event); };
  MANG_TRY(const RequestId running, engine_->submit(std::move(wanted)));
  running_[request.id] = running;
  return {};
}

void Worker::on_event(int64_t id, const Event& event) {
  if (const auto* token = std::get_if<TokenEvent>(&event)) {
    tell({{"id", id}, {"event", "token"}, {"token", token->id}, {"text", token->text}});
    return;
  }
  const auto& done = std::get<DoneEvent>(event);
  running_.erase(id);
  if (done.reason == FinishReason::error) return refuse(id, message_of(*done.error));
  const RequestStats& stats = done.stats;
  tell({{"id", id},
        {"event", "done"},
        {"text", done.text},
        {"finish_reason", std::string(finish_reason_name(done.reason))},
        {"usage",
         {{"prompt_tokens", stats.prompt_tokens},
          {"cached_tokens", stats.cached_tokens},
          {"generated_tokens", stats.generated_tokens},
          {"prefill_seconds", stats.prefill_seconds},
          {"decode_seconds", stats.decode_seconds},
          {"ttft_seconds", stats.ttft_seconds}}}});
}

Result<void> Worker::tokenize(const WorkerRequest& request) {
  tell({{"id", request.id}, {"event", "done"}, {"ids", ids_of(request)}});
  return {};
}

Result<void> Worker::detokenize(const WorkerRequest& request) {
  for (int32_t id : *request.ids) {
    if (id >= tokenizer_->vocab_size()) {
      return Error{
          say("token {} is outside the vocabulary of {} tokens. Is it the right model?", id, tokenizer_->vocab_size())};
    }
  }
  tell({{"id", request.id}, {"event", "done"}, {"text", tokenizer_->decode(*request.ids)}});
  return {};
}

// Rows of logits, each frame a line that tells its bytes and then those bytes. Answers under way wait meanwhile.
Result<void> Worker::logits(const WorkerRequest& request) {
  const std::vector<int32_t> ids = ids_of(request);
  const int64_t columns = loaded_.model->info().vocab;
  MANG_TRY(check_ids(ids, columns));
  computing_ = request.id;
  cancelled_ = false;
  const int64_t most = std::max<int64_t>(1, static_cast<int64_t>(kFrameBytes / sizeof(float)) / columns);
  const auto send = [&](int64_t, int64_t count, const float* rows) -> Result<void> {
    for (int64_t at = 0; at < count; at += most) {
      MANG_TRY(hear(false));
      if (cancelled_ || context_.interrupted.load()) return Error{tr("stopped.")};
      const int64_t n = std::min(most, count - at);
      const size_t bytes = static_cast<size_t>(n * columns) * sizeof(float);
      tell({{"id", request.id}, {"event", "rows"}, {"rows", n}, {"columns", columns}, {"bytes", bytes}});
      context_.out.write({reinterpret_cast<const char*>(rows + at * columns), bytes});
      MANG_TRY(context_.out.flush());
    }
    return {};
  };
  tell({{"id", request.id}, {"event", "shape"}, {"rows", ids.size()}, {"columns", columns}});
  const Result<void> sent = collect_logits(*loaded_.model, *machine_.device, device_.arithmetic(), device_.kv_type(),
                                           ids, kLogitsChunk, send);
  computing_.reset();
  if (!sent.ok() && !cancelled_) return sent;
  tell({{"id", request.id},
        {"event", "done"},
        {"finish_reason", std::string(cancelled_ ? finish_reason_name(FinishReason::cancelled) : "complete")}});
  return {};
}

Result<int> Worker::serve() {
  const WatchInterrupts watch;
  bool busy = false;
  for (;;) {
    MANG_TRY(context_.out.flush());
    MANG_TRY(hear(!busy && waiting_.empty()));
    if (context_.interrupted.load()) return kExitInterrupted;
    while (!waiting_.empty() && running_.size() < kMostRunning) {
      const Json line = std::move(waiting_.front());
      waiting_.pop_front();
      handle(line);
    }
    busy = engine_->step() || !running_.empty();
    if (!busy && waiting_.empty() && inbox_.ended()) break;
  }
  MANG_TRY(context_.out.flush());
  return kExitOk;
}

Result<int> work(const Options& options, Context& context) {
  Result<std::unique_ptr<Worker>> worker = Worker::open(options, context);
  if (!worker.ok()) {  // said to the program that asks, once
    const Json event = {{"event", "error"}, {"error", message_of(worker.error())}};
    context.out.write(dump_json(event) + "\n");
    return kExitFailed;
  }
  return (*worker)->serve();
}

}  // namespace

void add_worker(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "worker", tr("Serve a model to another program, in lines of JSON over pipes"));
  command->add_option("MODEL", options->model, tr("A model"))->required();
  command->add_option("-c,--context", options->context, tr("Longest conversation in tokens (the model's own)"))
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->type_name("N");
  command->add_option("--sequences", options->sequences, tr("Requests worked on together (8)"))
      ->check(CLI::Range(1, 256))
      ->type_name("N");
  add_device_options(*command, options->device);
  command->callback([options, &action] { action = [options](Context& context) { return work(*options, context); }; });
}

}  // namespace mang::cli
