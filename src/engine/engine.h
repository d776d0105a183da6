// The engine: many requests, one model. Requests wait, are read in chunks (chunked prefill) and answered together
// (continuous batching); a step is one forward of the model. What a request answers does not depend on the others, on
// the chunks, or on what was found in the prefix cache.
//
//   MANG_TRY(auto engine, Engine::create(model, device, &tokenizer, {.context = 4096}));
//   MANG_TRY(RequestId id, engine->submit({.prompt = ids, .sampling = params, .on_event = print}));
//   engine->run_until_done(&stop_flag);
//
// Sources: Yu et al. 2022 (Orca: continuous batching), Agrawal et al. 2024 (Sarathi-Serve: chunked prefill), Kwon et
// al. 2023 (paged attention, preemption by recomputation).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/cache_end.h"
#include "engine/sampler.h"
#include "engine/sampling_params.h"
#include "engine/speculation.h"
#include "kernels/device.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace mang {

using RequestId = uint64_t;
using SessionId = uint64_t;

enum class FinishReason { stop_token, stop_string, max_tokens, context_full, cancelled, error };
std::string_view finish_reason_name(FinishReason reason);  // "stop token", …

inline constexpr int64_t kDepartedIds = 16;

struct RequestStats {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, found in the session or the prefix cache, not computed again
  CacheEnd cache_end = CacheEnd::off;
  // What the session held from its request before, the answer included, and where this prompt departs from it.
  int64_t session_tokens = 0;             // 0: nothing; its first request, or its blocks were needed elsewhere
  int64_t session_common = 0;             // ids that are the same from the beginning on
  std::vector<int32_t> session_departed;  // what it held from there on, kDepartedIds at most
  int64_t generated_tokens = 0;           // a stop token counts
  int64_t drafted_tokens = 0;             // verified beside others; generated_tokens counts those that were right
  int64_t accepted_tokens = 0;            // of the drafted ones
  int64_t drafted_steps = 0;              // steps with drafts
  int64_t declined_steps = 0;             // steps without, though there was an offer: it would not have paid
  int64_t preemptions = 0;                // times its blocks were needed elsewhere and it was computed again
  double queue_seconds = 0;               // from submit to the first step that worked on it
  double prefill_seconds = 0;             // from then to the first token
  double decode_seconds = 0;              // from the first token to the last
  double ttft_seconds = 0;                // time to first token: from submit
  // Tokens a second; 0 where nothing was measured.
  [[nodiscard]] double prefill_speed() const;
  [[nodiscard]] double decode_speed() const;
};

// A token of the answer. Stop tokens are not reported; the text of a token may come with a later one, while it might be
// the beginning of a stop string or is half a character.
struct TokenEvent {
  int32_t id = 0;
  std::string text;
  std::optional<float> logprob;
  std::vector<TokenLogprob> top;
};

// How likely the prompt was, for requests that asked: once, when it has been read.
struct PromptEvent {
  std::vector<SampledToken>
      tokens;  // one for each of the prompt's; the first has no log probability: nothing is before it
};

// The last event of a request.
struct DoneEvent {
  FinishReason reason = FinishReason::error;
  std::string text;                   // held back until now; comes after all text before it
  std::optional<int32_t> stop_token;  // reason stop_token: which
  std::string stop_string;            // reason stop_string: which (not part of the text)
  std::optional<Error> error;         // reason error: why
  RequestStats stats;
};

using Event = std::variant<TokenEvent, DoneEvent, PromptEvent>;
// Called inside step(), on its thread. May call submit() and cancel(), not step().
using EventSink = std::function<void(RequestId, const Event&)>;

struct Request {
  std::vector<int32_t> prompt;  // token ids, at least one
  SamplingParams sampling;
  bool show_special = false;  // control tokens appear in the text
  // Also the log probability of each token of the prompt, and of the n best in its place (0 … 128). Such a prompt is
  // read whole, whatever the prefix cache has of it.
  std::optional<int32_t> prompt_logprobs;
  bool speculate = true;    // false: no drafts, whatever the engine's options are
  SessionId session = 0;    // 0: none
  std::string cache_scope;  // prefixes are shared only between requests of the same scope (a tenant)
  EventSink on_event;       // may be empty
};

struct EngineOptions {
  int64_t context = 0;    // longest sequence; 0: the model's own. Never more than that
  int64_t kv_blocks = 0;  // blocks of kPagePositions in the pool; 0: enough for one sequence of `context`
  KvType kv_type = KvType::f16;
  Arithmetic arithmetic = Arithmetic::quantized;
  int64_t max_sequences = 64;  // worked on together
  int64_t step_tokens = 512;   // most tokens in one step, prompts' and answers' together
  int64_t prompt_tokens = 0;   // most tokens of prompts in one step; 0: as many as there is room for
  // Prompt chunks are kept so small that a step takes about this long while others' answers wait for it, and four times
  // as long while none does (a cancellation is seen between steps); but at least 128 tokens. 0: no such limit.
  double step_seconds = 0.25;
  bool prefix_cache = true;
  Speculate speculate = Speculate::off;
  Model* draft_model =
      nullptr;  // drafts by this model (model_draft.h), which must outlive the engine; null: by looking up
  // Sees each row of logits [vocab] a token is drawn from, and the token's position in the sequence. Called inside
  // step(), before penalties and biases are applied to the row; in the order of the tokens of each request. May be
  // empty.
  std::function<void(RequestId, int64_t position, std::span<const float> row)> on_logits;
  std::string model_key;  // identifies the weights in the prefix cache's keys (a hash of the file)
};

class Engine {
 public:
  // model, device and tokenizer must outlive the engine. Without a tokenizer there is no text and no stop string, and
  // only stop_ids end an answer. Errors: options out of range; a KV type the model cannot use; no memory.
  static Result<std::unique_ptr<Engine>> create(Model& model, const Device& device, const Tokenizer* tokenizer,
                                                EngineOptions options);
  ~Engine();

  // Any thread. Errors, before anything is queued: parameters out of range, an empty prompt, an id outside the
  // vocabulary, a prompt that leaves no room for an answer in the context (both numbers are said), an unknown or busy
  // session.
  Result<RequestId> submit(Request request);
  // Any thread. The request ends with FinishReason::cancelled in the next step; unknown ids are ignored.
  void cancel(RequestId id);

  // A session keeps the blocks of its last request, so that the next turn of a chat computes only what is new. Blocks
  // of idle sessions are given up when others need them, the longest unused first. Any thread.
  SessionId open_session();
  void close_session(SessionId session);

  // One forward for all that can be worked on, and the events that follow. False: nothing is left to do. One thread at
  // a time.
  bool step();
  // Steps until nothing is left; when *cancel becomes true, everything is cancelled (and reported so) within a step.
  void run_until_done(const std::atomic<bool>* cancel = nullptr);

  [[nodiscard]] int64_t context() const;   // the longest sequence: model, options and pool allow it
  [[nodiscard]] int64_t kv_bytes() const;  // of the whole pool
  // After the last step, counting those that only the prefix cache holds. Any thread.
  [[nodiscard]] int64_t free_blocks() const;
  [[nodiscard]] int64_t blocks() const;
  [[nodiscard]] const Model& model() const;
  [[nodiscard]] const EngineOptions& options() const;

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One answer as a whole, for programs that do not stream.
struct Answer {
  std::vector<int32_t> ids;
  std::string text;
  DoneEvent done;
};
Result<Answer> complete(Engine& engine, Request request, const std::atomic<bool>* cancel = nullptr);

}  // namespace mang
