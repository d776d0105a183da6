#include "engine/engine.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "engine/collect_logits.h"
#include "engine/model_draft.h"
#include "engine/ngram_draft.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"

namespace mang {

namespace {

constexpr int64_t kMostSequences = 4096;
constexpr int64_t kMostStepTokens = 65'536;
constexpr int64_t kMostBlocks = int64_t{1} << 30;
constexpr double kMostStepSeconds = 3600;
constexpr int64_t kLeastChunk = 128;    // of a prompt, however slow the machine: smaller ones waste its speed
constexpr double kPatience = 4;         // a step may take so many times step_seconds while no answer waits for it
constexpr int64_t kTellingTokens = 32;  // a step with fewer says nothing about the speed of prompts

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Result<void> check_options(const EngineOptions& options, const ModelInfo& info) {
  if (options.context < 0 || options.context > info.context) {
    return fail("A context of {} tokens was asked for; this model reads at most {}.", options.context, info.context);
  }
  if (options.kv_blocks < 0 || options.kv_blocks > kMostBlocks) {
    return fail("kv_blocks is {}; it must be from 0 (automatic) to {}.", options.kv_blocks, kMostBlocks);
  }
  if (options.max_sequences < 1 || options.max_sequences > kMostSequences) {
    return fail("max_sequences is {}; it must be from 1 to {}.", options.max_sequences, kMostSequences);
  }
  if (options.step_tokens < options.max_sequences || options.step_tokens > kMostStepTokens) {
    return fail("step_tokens is {}; it must be from max_sequences ({}) to {}.", options.step_tokens,
                options.max_sequences, kMostStepTokens);
  }
  if (options.prompt_tokens < 0 || options.prompt_tokens > kMostStepTokens) {
    return fail("prompt_tokens is {}; it must be from 0 (as many as there is room for) to {}.", options.prompt_tokens,
                kMostStepTokens);
  }
  if (!(options.step_seconds >= 0 && options.step_seconds <= kMostStepSeconds)) {
    return fail("step_seconds is {}; it must be from 0 to {}.", options.step_seconds, kMostStepSeconds);
  }
  return {};
}

}  // namespace

double RequestStats::prefill_speed() const {
  return prefill_seconds > 0 ? static_cast<double>(prompt_tokens - cached_tokens) / prefill_seconds : 0;
}

double RequestStats::decode_speed() const {
  return decode_seconds > 0 ? static_cast<double>(generated_tokens - 1) / decode_seconds : 0;
}

struct Engine::State {
  State(Model& a_model, const Device& a_device, const Tokenizer* a_tokenizer, const EngineOptions& an_options,
        KvPool&& a_pool)
      : model(a_model),
        device(a_device),
        tokenizer(a_tokenizer),
        options(an_options),
        pool(std::move(a_pool)),
        scheduler(pool, options.max_sequences, options.step_tokens) {}

  // step() and what it consists of.
  bool step();
  void take_inbox();
  bool draft(const std::vector<Work>& work);
  void forward(const std::vector<Work>& work);
  void report_prompts(std::vector<Work>& work);
  bool report_prompt(Sequence& sequence, int64_t first_position, int64_t row);
  void sample(const std::vector<Work>& work);
  bool take_token(Sequence& sequence, SampledToken&& token);
  void finish(RequestId id, FinishReason reason, std::optional<int32_t> stop_token = {},
              std::optional<Error> error = {});
  void free_session(SessionId session);
  [[nodiscard]] int64_t chunk_tokens() const;
  [[nodiscard]] bool stops(const Sequence& sequence, int32_t id) const;

  Result<void> check_request(const Request& request) const;

  Model& model;
  const Device& device;
  const Tokenizer* tokenizer;
  EngineOptions options;
  KvPool pool;
  Scheduler scheduler;
  std::vector<float> logits;     // [rows of this step, vocab]
  std::vector<int64_t> rows_of;  // rows of each work of this step
  double tokens_a_second = 0;    // of the last step that read a prompt; 0: none yet, so begin with the least

  std::optional<Speculator> speculator;
  std::vector<Speculator::Outcome> outcomes;  // of the step, one for each work
  double step_seconds = 0;                    // of the step: drafting, forward and drawing, no events

  // What other threads reach.
  std::atomic<int64_t> free_blocks = pool.blocks();
  struct Inbox {
    std::vector<std::unique_ptr<Sequence>> requests;
    std::vector<RequestId> cancelled;
    std::vector<SessionId> closed;
  };
  std::mutex mutex;
  Inbox inbox;
  std::unordered_map<SessionId, bool> sessions;  // open ones → a request is using it
  RequestId last_request = 0;
  SessionId last_session = 0;
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(Model& model, const Device& device, const Tokenizer* tokenizer,
                                               EngineOptions options) {
  const ModelInfo& info = model.info();
  MANG_TRY(check_options(options, info));
  if (options.context == 0) options.context = info.context;
  if (options.kv_blocks == 0) options.kv_blocks = blocks_for(options.context);
  options.context = std::min(options.context, options.kv_blocks * kPagePositions);
  MANG_TRY(std::vector<KvLayout> layers, model.kv_layout(options.kv_type));
  MANG_TRY(KvPool pool, KvPool::create(std::move(layers), options.kv_blocks));
  auto state = std::make_unique<State>(model, device, tokenizer, options, std::move(pool));
  if (options.speculate != Speculate::off) {
    std::unique_ptr<DraftSource> source = std::make_unique<NgramDraft>();
    if (options.draft_model != nullptr) {
      const int64_t sequences = std::min(options.max_sequences, StepCosts::kMostSequences);
      MANG_TRY(source, ModelDraft::create(*options.draft_model, device, info.vocab, options.context, sequences));
    }
    state->speculator.emplace(std::move(source), options.speculate);
  }
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

Result<void> Engine::State::check_request(const Request& request) const {
  const int64_t vocab = model.info().vocab;
  MANG_TRY(validate(request.sampling, vocab));
  if (request.prompt.empty()) return fail("The prompt is empty: there is nothing to continue.");
  const auto length = static_cast<int64_t>(request.prompt.size());
  const int64_t room = request.sampling.max_tokens == 0 ? 0 : 1;  // for an answer of at least one token
  if (length + room > options.context) {
    const int64_t most = model.info().context;
    const Error advice = options.context < most
                             ? fail("Shorten it, or ask for a larger context (the model reads up to {}).", most)
                             : fail("Shorten it: this is the most the model reads.");
    if (length == options.context) {
      return fail("The prompt has {} tokens and leaves no room for an answer, but the context holds {}. {}", length,
                  options.context, advice);
    }
    return fail("The prompt has {} tokens, but the context holds {}. {}", length, options.context, advice);
  }
  MANG_TRY(check_ids(request.prompt, vocab));
  if (request.prompt_logprobs) {
    if (*request.prompt_logprobs < 0 || *request.prompt_logprobs > kMostLogprobs) {
      return fail("prompt_logprobs is {}; it must be from 0 to {}.", *request.prompt_logprobs, kMostLogprobs);
    }
    if (request.session != 0)
      return fail("A session's prompt is not read whole, so its log probabilities are not known.");
  }
  if (!request.sampling.stop.empty() && tokenizer == nullptr) {
    return fail("Stop strings need a tokenizer, and this engine has none.");
  }
  return {};
}

Result<RequestId> Engine::submit(Request request) {
  State& s = *state_;
  MANG_TRY(s.check_request(request));
  const std::string scope = std::move(request.cache_scope);
  const SessionId session = request.session;
  auto sequence = std::make_unique<Sequence>(0, std::move(request), s.model.info().vocab, s.tokenizer);
  sequence->use_cache = s.options.prefix_cache && !sequence->prompt_logprobs;
  if (sequence->use_cache) {
    sequence->root = root_key(s.options.model_key, static_cast<int>(s.options.arithmetic),
                              static_cast<int>(s.options.kv_type), scope);
  }
  const std::lock_guard lock(s.mutex);
  if (session != 0) {
    const auto found = s.sessions.find(session);
    if (found == s.sessions.end()) return fail("There is no session {}: it was closed or never opened.", session);
    if (found->second) return fail("Session {} is still busy with another request. Wait for it or cancel it.", session);
    found->second = true;
  }
  sequence->id = ++s.last_request;
  s.inbox.requests.push_back(std::move(sequence));
  return s.last_request;
}

void Engine::cancel(RequestId id) {
  const std::lock_guard lock(state_->mutex);
  state_->inbox.cancelled.push_back(id);
}

SessionId Engine::open_session() {
  const std::lock_guard lock(state_->mutex);
  state_->sessions.emplace(++state_->last_session, false);
  return state_->last_session;
}

void Engine::close_session(SessionId session) {
  const std::lock_guard lock(state_->mutex);
  if (state_->sessions.erase(session) > 0) state_->inbox.closed.push_back(session);
}

bool Engine::step() { return state_->step(); }

void Engine::run_until_done(const std::atomic<bool>* cancel) {
  do {
    if (cancel == nullptr || !cancel->load()) continue;
    state_->take_inbox();
    for (const RequestId id : state_->scheduler.ids()) state_->finish(id, FinishReason::cancelled);
  } while (state_->step());
}

int64_t Engine::context() const { return state_->options.context; }
int64_t Engine::kv_bytes() const { return state_->pool.blocks() * state_->pool.block_bytes(); }
int64_t Engine::free_blocks() const { return state_->free_blocks.load(); }
int64_t Engine::blocks() const { return state_->pool.blocks(); }
const Model& Engine::model() const { return state_->model; }
const EngineOptions& Engine::options() const { return state_->options; }

bool Engine::State::step() {
  take_inbox();
  std::vector<Work> work = scheduler.plan(chunk_tokens());
  if (!work.empty()) {
    step_seconds = 0;
    const bool only_answers = speculator && draft(work);
    forward(work);
    for (const Work& w : work) scheduler.advance(w);
    report_prompts(work);
    sample(work);
    if (only_answers) speculator->step_done(outcomes, step_seconds);
  }
  free_blocks.store(scheduler.available_blocks());
  const std::lock_guard lock(mutex);
  return !scheduler.idle() || !inbox.requests.empty();
}

void Engine::State::take_inbox() {
  Inbox taken;
  {
    const std::lock_guard lock(mutex);
    std::swap(taken, inbox);
  }
  for (auto& sequence : taken.requests) scheduler.add(std::move(sequence));
  for (const RequestId id : taken.cancelled) finish(id, FinishReason::cancelled);
  for (const SessionId id : taken.closed) scheduler.drop_session(id);
}

// Prompt tokens of a step so that it takes about as long as it may, in whole pages.
int64_t Engine::State::chunk_tokens() const {
  const int64_t most = options.prompt_tokens > 0 ? options.prompt_tokens : options.step_tokens;
  if (options.step_seconds == 0) return most;
  const double seconds = options.step_seconds * (scheduler.answering() > 0 ? 1 : kPatience);
  const double wanted = std::min(tokens_a_second * seconds, static_cast<double>(options.step_tokens));
  const int64_t whole = static_cast<int64_t>(wanted) / kPagePositions * kPagePositions;
  return std::min({std::max(whole, kLeastChunk), options.step_tokens, most});
}

// Drafts for a step that only writes answers; false: it reads a prompt too. (Such a step has as many tokens as it can
// hold, and its time says nothing about others.)
bool Engine::State::draft(const std::vector<Work>& work) {
  const auto answers = [](const Work& w) { return w.sequence->uncomputed() == 1 && !w.sequence->only_prompt(); };
  if (!std::all_of(work.begin(), work.end(), answers)) return false;
  std::vector<Speculator::Candidate> candidates;
  for (const auto& [sequence, count] : work) {
    // Of use is what leaves room for the token that is drawn after the last draft.
    int64_t most = options.context - sequence->length() - 1;
    const int64_t generated = sequence->stats.generated_tokens;
    if (const auto limit = sequence->sampler.params().max_tokens) most = std::min(most, *limit - generated - 1);
    const double before = generated > 0 ? seconds_between(sequence->started, sequence->first_token) : 0;
    candidates.push_back({sequence->id, sequence->tokens, sequence->speculate && generated > 0 ? most : 0, before});
  }
  std::vector<std::vector<int32_t>> drafts =
      speculator->draft(candidates, options.step_tokens - static_cast<int64_t>(work.size()));
  outcomes.assign(work.size(), {});
  for (size_t i = 0; i < work.size(); ++i) {
    if (drafts[i].empty()) continue;
    Sequence& sequence = *work[i].sequence;
    const int64_t end = sequence.length() + static_cast<int64_t>(drafts[i].size());
    drafts[i].resize(static_cast<size_t>(scheduler.widen(sequence, end) - sequence.length()));
    if (drafts[i].empty()) continue;
    sequence.tried.push_back(sequence.tokens.back());
    sequence.tried.insert(sequence.tried.end(), drafts[i].begin(), drafts[i].end());
    sequence.stats.drafted_tokens += sequence.drafted();
    ++sequence.stats.drafted_steps;
    outcomes[i].verified = sequence.drafted();
  }
  step_seconds += speculator->drafting_seconds();
  return true;
}

void Engine::State::forward(const std::vector<Work>& work) {
  std::vector<BatchSlice> slices;
  slices.reserve(work.size());
  int64_t tokens = 0;
  int64_t rows = 0;
  rows_of.clear();
  for (const auto& [sequence, count] : work) {
    const bool draws = count == sequence->uncomputed() && !sequence->only_prompt();
    const bool tries = !sequence->tried.empty();
    std::span<const int32_t> run = sequence->tried;
    if (!tries) run = std::span(sequence->tokens).subspan(static_cast<size_t>(sequence->computed), count);
    const bool all = tries || sequence->prompt_logprobs;
    const LogitsFor wanted = all ? LogitsFor::all : draws ? LogitsFor::last : LogitsFor::none;
    slices.push_back({run, sequence->computed, sequence->blocks, wanted});
    tokens += count;
    rows_of.push_back(all ? static_cast<int64_t>(run.size()) : draws ? 1 : 0);
    rows += rows_of.back();
  }
  const auto wanted = static_cast<size_t>(rows * model.info().vocab);
  if (logits.size() < wanted) logits.resize(wanted);
  const auto before = Clock::now();
  model.forward(device, options.arithmetic, Batch{slices}, pool, logits.data());
  const double seconds = seconds_between(before, Clock::now());
  step_seconds += seconds;
  if (tokens >= kTellingTokens && seconds > 0) tokens_a_second = static_cast<double>(tokens) / seconds;
}

// What the rows of this step say about prompts that are to be reported.
void Engine::State::report_prompts(std::vector<Work>& work) {
  int64_t row = 0;
  for (size_t i = 0; i < work.size(); ++i) {
    auto& [sequence, count] = work[i];
    if (sequence->prompt_logprobs && !report_prompt(*sequence, sequence->computed - count, row)) sequence = nullptr;
    row += rows_of[i];
  }
}

// `row` and on: of the tokens from first_position on. False: the model failed, and the sequence is gone.
bool Engine::State::report_prompt(Sequence& sequence, int64_t first_position, int64_t row) {
  const int64_t vocab = model.info().vocab;
  std::vector<SampledToken>& report = sequence.prompt_report;
  if (report.empty()) report.emplace_back().id = sequence.tokens[0];
  const int64_t end = std::min(sequence.stats.prompt_tokens, sequence.computed + 1);
  for (auto next = static_cast<int64_t>(report.size()); next < end; ++next) {
    const int64_t at = row + next - 1 - first_position;
    const std::span<const float> logits_before(logits.data() + at * vocab, static_cast<size_t>(vocab));
    const int32_t id = sequence.tokens[static_cast<size_t>(next)];
    Result<SampledToken> told = sequence.sampler.judge(device, logits_before, id, *sequence.prompt_logprobs);
    if (!told.ok()) {
      finish(sequence.id, FinishReason::error, {}, told.error());
      return false;
    }
    report.push_back(std::move(told).value());
  }
  if (end < sequence.stats.prompt_tokens) return true;
  sequence.prompt_logprobs.reset();
  if (sequence.on_event) sequence.on_event(sequence.id, PromptEvent{std::move(report)});
  return true;
}

// Row after row: a sequence that verifies a draft has a row for each token of it, and goes on to the next row while the
// token that is drawn is the drafted one.
void Engine::State::sample(const std::vector<Work>& work) {
  struct Draw {
    Sequence* sequence;
    int64_t row;
    size_t work;
    size_t right = 0;  // drafted tokens that were
    std::optional<Result<SampledToken>> token;
  };
  const int64_t vocab = model.info().vocab;
  std::vector<Draw> draws;
  std::vector<RequestId> read;  // only the prompt was wanted
  int64_t rows = 0;
  for (size_t i = 0; i < work.size(); ++i) {
    Sequence* sequence = work[i].sequence;
    rows += rows_of[i];
    if (sequence == nullptr || sequence->uncomputed() > 0) continue;
    if (sequence->only_prompt()) {
      read.push_back(sequence->id);
      continue;
    }
    draws.push_back({sequence, rows - 1 - sequence->drafted(), i, 0, {}});
  }
  while (!draws.empty()) {
    if (options.on_logits) {
      for (const Draw& draw : draws) {
        const std::span<const float> row(logits.data() + draw.row * vocab, static_cast<size_t>(vocab));
        options.on_logits(draw.sequence->id, draw.sequence->length(), row);
      }
    }
    const auto before = Clock::now();
    device.run(static_cast<int64_t>(draws.size()), [&](int64_t i, int) {
      Draw& draw = draws[static_cast<size_t>(i)];
      const std::span<float> row(logits.data() + draw.row * vocab, static_cast<size_t>(vocab));
      draw.token.emplace(draw.sequence->sampler.sample(device, row, draw.sequence->length()));
    });
    step_seconds += seconds_between(before, Clock::now());
    std::vector<Draw> next;
    for (Draw& draw : draws) {
      Sequence& sequence = *draw.sequence;
      if (!draw.token->ok()) {
        finish(sequence.id, FinishReason::error, {}, draw.token->error());
        continue;
      }
      const int32_t id = (*draw.token)->id;
      if (!take_token(sequence, std::move(*draw.token).value())) continue;
      if (static_cast<int64_t>(draw.right) < sequence.drafted() && sequence.tried[draw.right + 1] == id) {
        ++sequence.stats.accepted_tokens;
        ++outcomes[draw.work].accepted;
        scheduler.advance({&sequence, 1});  // its K and V are there
        next.push_back({&sequence, draw.row + 1, draw.work, draw.right + 1, {}});
      } else {
        sequence.tried.clear();
      }
    }
    draws = std::move(next);
  }
  for (const RequestId id : read) finish(id, FinishReason::max_tokens);
}

bool Engine::State::stops(const Sequence& sequence, int32_t id) const {
  const SamplingParams& params = sequence.sampler.params();
  if (std::find(params.stop_ids.begin(), params.stop_ids.end(), id) != params.stop_ids.end()) return true;
  return tokenizer != nullptr && !params.ignore_eog && tokenizer->is_eog(id);
}

// False: the sequence has ended and is gone.
bool Engine::State::take_token(Sequence& sequence, SampledToken&& token) {
  const SamplingParams& params = sequence.sampler.params();
  RequestStats& stats = sequence.stats;
  const auto now = Clock::now();
  if (stats.generated_tokens++ == 0) sequence.first_token = now;
  stats.decode_seconds = seconds_between(sequence.first_token, now);
  const auto end = [&](FinishReason reason, std::optional<int32_t> stop_token = {}) {
    finish(sequence.id, reason, stop_token);
    return false;
  };
  if (stops(sequence, token.id)) return end(FinishReason::stop_token, token.id);

  sequence.tokens.push_back(token.id);
  sequence.sampler.accept(token.id);
  TokenEvent event{token.id, {}, {}, std::move(token.top)};
  if (sequence.detokenizer) event.text = sequence.stops.feed(sequence.detokenizer->feed(token.id));
  if (params.logprobs) event.logprob = token.logprob;
  if (sequence.on_event) sequence.on_event(sequence.id, event);
  if (sequence.stops.matched() != nullptr) return end(FinishReason::stop_string);
  if (params.max_tokens == stats.generated_tokens) return end(FinishReason::max_tokens);
  if (sequence.length() >= options.context) return end(FinishReason::context_full);
  return true;
}

void Engine::State::finish(RequestId id, FinishReason reason, std::optional<int32_t> stop_token,
                           std::optional<Error> error) {
  const auto now = Clock::now();
  // After an error, what is in the blocks may be what is wrong.
  const bool sound = reason != FinishReason::error;
  std::unique_ptr<Sequence> sequence = scheduler.remove(id, sound ? Scheduler::Keep::sound : Scheduler::Keep::nothing);
  if (sequence == nullptr) return;
  if (sequence->session != 0) free_session(sequence->session);

  RequestStats& stats = sequence->stats;
  if (speculator) {
    stats.declined_steps = speculator->declined(id);
    speculator->forget(id);
  }
  const auto first = stats.generated_tokens > 0 ? sequence->first_token : now;
  stats.queue_seconds = seconds_between(sequence->submitted, sequence->admitted ? sequence->started : now);
  stats.prefill_seconds = sequence->admitted ? seconds_between(sequence->started, first) : 0;
  stats.ttft_seconds = stats.generated_tokens > 0 ? seconds_between(sequence->submitted, first) : 0;

  DoneEvent event{reason, {}, stop_token, {}, std::move(error), stats};
  if (sequence->detokenizer) event.text = sequence->stops.feed(sequence->detokenizer->finish());
  if (const std::string* stop = sequence->stops.matched(); stop != nullptr) {
    // The very last bytes may complete a stop string; an error or a cancellation remains what it is.
    if (reason != FinishReason::error && reason != FinishReason::cancelled) event.reason = FinishReason::stop_string;
    event.stop_string = *stop;
  } else {
    event.text += sequence->stops.finish();
  }
  if (sequence->on_event) sequence->on_event(id, event);
}

void Engine::State::free_session(SessionId session) {
  const std::lock_guard lock(mutex);
  if (const auto found = sessions.find(session); found != sessions.end()) {
    found->second = false;
  } else {
    scheduler.drop_session(session);  // it was closed meanwhile
  }
}

Result<Answer> complete(Engine& engine, Request request, const std::atomic<bool>* cancel) {
  Answer answer;
  EventSink inner = std::move(request.on_event);
  request.on_event = [&](RequestId id, const Event& event) {
    if (const auto* token = std::get_if<TokenEvent>(&event)) {
      answer.ids.push_back(token->id);
      answer.text += token->text;
    } else if (const auto* done = std::get_if<DoneEvent>(&event)) {
      answer.done = *done;
      answer.text += done->text;
    }
    if (inner) inner(id, event);
  };
  MANG_TRY(engine.submit(std::move(request)));
  engine.run_until_done(cancel);
  return answer;
}

}  // namespace mang
