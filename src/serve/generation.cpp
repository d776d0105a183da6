#include "serve/generation.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <span>
#include <utility>

#include "serve/account.h"

namespace mang::serve {

namespace {

constexpr size_t kLastOfPrompt = 16;  // tokens, more than any mark of reasoning has

const ReasoningMarks* reasoning_begun(std::span<const int32_t> all, const Tokenizer& tokenizer) {
  return reasoning_left_open(tokenizer.decode(all.last(std::min(kLastOfPrompt, all.size()))));
}

// What all choices share. The engine's sequences hold it, so it lives as long as one of them is under way, and the host
// longer: it must not keep the host, or the host's thread might be the one to end itself.
class Generation : public std::enable_shared_from_this<Generation> {
 public:
  Generation(ModelHost& host, std::shared_ptr<GenerationListener> listener, std::shared_ptr<Account> account)
      : host_(host), listener_(std::move(listener)), account_(std::move(account)) {}

  Result<void> start(GenerationRequest&& request) {
    for (const std::vector<int32_t>& prompt : request.prompts) {
      const ReasoningMarks* begun = request.chat ? reasoning_begun(prompt, host_.tokenizer()) : nullptr;
      for (int i = 0; i < request.choices; ++i) {
        const uint64_t seed = request.sampling.seed + static_cast<uint64_t>(i);
        choices_.push_back({ReasoningSplitter(begun), request.chat, seed, 0});
      }
    }
    for (size_t i = 0; i < choices_.size(); ++i) {
      Request wanted;
      wanted.prompt = request.prompts[i / static_cast<size_t>(request.choices)];
      wanted.sampling = request.sampling;
      wanted.sampling.seed = choices_[i].seed;
      wanted.prompt_logprobs = request.prompt_logprobs;
      wanted.cache_scope = account_->tenant;
      wanted.on_event = [self = shared_from_this(), i](RequestId, const Event& event) {
        self->take(static_cast<int>(i), event);
      };
      Result<RequestId> id = host_.submit(std::move(wanted));
      if (!id.ok()) {
        abandon();
        return id.error();
      }
      remember(*id);
    }
    return {};
  }

  void cancel() {
    std::vector<RequestId> ids;
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
      ids = ids_;
    }
    for (const RequestId id : ids) host_.cancel(id);
  }

 private:
  struct Choice {
    ReasoningSplitter splitter;
    bool split = false;
    uint64_t seed = 0;
    int64_t reasoning_tokens = 0;
  };

  void remember(RequestId id) {
    bool gone = false;
    {
      const std::lock_guard lock(mutex_);
      ids_.push_back(id);
      gone = gone_;
    }
    if (gone) host_.cancel(id);
  }

  // What was begun already is of no use to anyone.
  void abandon() {
    failed_.store(true);
    cancel();
  }

  void take(int index, const Event& event) {
    Choice& choice = choices_[static_cast<size_t>(index)];
    if (const auto* token = std::get_if<TokenEvent>(&event)) {
      ChoicePart part = split(choice, token->text + std::string(mark_of(choice, token->id)), false);
      part.token = SampledToken{token->id, token->logprob.value_or(0), token->top};
      if (choice.split && choice.splitter.in_reasoning()) ++choice.reasoning_tokens;
      if (!failed_) listener_->on_part(index, part);
      return;
    }
    if (const auto* prompt = std::get_if<PromptEvent>(&event)) {
      if (!failed_) listener_->on_prompt(index, prompt->tokens);
      return;
    }
    const auto& done = std::get<DoneEvent>(event);
    account_->metrics.answer_ended(host_.model().name, done.reason, done.stats);
    account_->tokens += done.stats.prompt_tokens - done.stats.cached_tokens + done.stats.generated_tokens;
    if (failed_) return;
    if (done.reason == FinishReason::error) {
      listener_->on_error(*done.error);
      return abandon();
    }
    const ChoicePart rest = split(choice, done.text, true);
    if (!rest.reasoning.empty() || !rest.text.empty()) listener_->on_part(index, rest);
    listener_->on_end(index, {done.reason, done.stop_string, choice.reasoning_tokens, choice.seed, done.stats});
  }

  // Some models' marks are control tokens, which have no text.
  std::string_view mark_of(const Choice& choice, int32_t id) const {
    const Tokenizer& tokenizer = host_.tokenizer();
    const std::string_view text = choice.split && tokenizer.is_special(id) ? tokenizer.token_text(id) : "";
    return is_reasoning_mark(text) ? text : "";
  }

  static ChoicePart split(Choice& choice, const std::string& text, bool last) {
    ChoicePart part;
    if (!choice.split) {
      part.text = text;
      return part;
    }
    ReasoningSplitter::Parts parts = choice.splitter.feed(text);
    part = {std::move(parts.reasoning), std::move(parts.text), {}};
    if (last) {
      ReasoningSplitter::Parts rest = choice.splitter.finish();
      part.reasoning += rest.reasoning;
      part.text += rest.text;
    }
    return part;
  }

  ModelHost& host_;
  std::shared_ptr<GenerationListener> listener_;
  std::shared_ptr<Account> account_;
  std::vector<Choice> choices_;       // the model's thread's, once started
  std::atomic<bool> failed_ = false;  // nothing is told any more

  std::mutex mutex_;
  std::vector<RequestId> ids_;
  bool gone_ = false;
};

std::optional<ApiError> too_long(const GenerationRequest& request, const ModelHost& host) {
  const int64_t context = host.context();
  const int64_t room = request.sampling.max_tokens == 0 ? 0 : 1;
  for (const std::vector<int32_t>& prompt : request.prompts) {
    const auto length = static_cast<int64_t>(prompt.size());
    if (length + room <= context) continue;
    return ApiError{
        400,
        fail("The prompt is too long: {} tokens > {} maximum (the context holds {} with the answer). Shorten it.",
             length, context - room, context),
        "context_length_exceeded",
        {}};
  }
  return std::nullopt;
}

}  // namespace

Result<void> generate_for(const std::shared_ptr<ModelHost>& host, GenerationRequest request,
                          std::shared_ptr<GenerationListener> listener, const RequestPtr& http,
                          const std::shared_ptr<Exchange>& exchange, ErrorWords words) {
  if (const std::optional<ApiError> error = too_long(request, *host)) {
    exchange->respond(error_response(*error, words));
    return {};
  }
  const auto generation = std::make_shared<Generation>(*host, std::move(listener), http->account);
  MANG_TRY(generation->start(std::move(request)));
  exchange->on_gone([weak_host = std::weak_ptr<ModelHost>(host), weak = std::weak_ptr<Generation>(generation)] {
    const auto its_host = weak_host.lock();
    const auto there = weak.lock();
    if (its_host && there) there->cancel();
  });
  return {};
}

}  // namespace mang::serve
